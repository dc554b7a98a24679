"""The pictures of the dashboards: there for each, of the panels it has now, small, and drawn as data says."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.support import dashboards
from tests.support.drawing import Place, Series, bars, drawn, lines, said, stat, table
from tests.support.shipped import ROOT

PLACE = Place(0, 0, 400, 200, (0, 120))
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
LARGEST = 150_000


@pytest.mark.parametrize("file", dashboards.files(), ids=lambda file: file.stem)
def test_each_dashboard_has_its_picture(file):
    picture = ROOT / "docs" / "pictures" / f"{file.stem}.svg"
    assert f"](pictures/{picture.name})" in PAGE
    assert picture.stat().st_size < LARGEST
    shown = {one.text for one in ET.parse(picture).iter(f"{SVG}text")}
    titles = {panel["title"] for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]}
    assert titles <= shown, "made of another dashboard: python -m tests.support.pictures"
    assert not re.search(r"[\w.]+@[\w.]+", picture.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", dashboards.files(), ids=lambda file: file.stem)
def test_a_dashboard_without_data_says_so(file):
    asked = dashboards.queries(file)
    shown = [one.text for one in ET.fromstring(drawn(file, [[] for _ in asked])).iter(f"{SVG}text")]
    panels = json.loads(file.read_text(encoding="utf-8"))["panels"]
    assert shown.count("no data") == sum(panel["type"] != "row" for panel in panels)


def test_what_is_drawn_is_what_was_answered():
    half = Series("half <b>", ((0, 0.0), (60, 2.0), (120, 4.0)))
    (line,) = [one for one in lines(PLACE, "s", [half]) if "polyline" in one]
    assert re.findall(r"[\d.]+,[\d.]+", line) == ["62,152.0", "226,91.0", "390,30.0"]
    assert "half &lt;b&gt;" in "".join(lines(PLACE, "s", [half]))
    assert ">4.0 s<" in "".join(stat(PLACE, "s", [half]))
    few, many = Series("few", ((0, 1.0),)), Series("many", ((0, 4.0),))
    widths = re.findall(r'width="(\d+)"', "".join(bars(PLACE, "short", [few, many])))
    assert widths == ["376", "94"]
    rows = "".join(table(PLACE, "short", [few, many]))
    assert rows.index("many") < rows.index("few")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.1234, "percentunit", "12.34%"),
        (2048, "bytes", "2.0 KiB"),
        (12, "bytes", "12 B"),
        (0.25, "s", "250 ms"),
        (5400, "s", "1.5 h"),
        (12345, "short", "12,345"),
        (0.123456, "cps", "0.123"),
    ],
)
def test_units_are_in_words(value, unit, words):
    assert said(value, unit) == words
