"""The page and the code name the same things."""

import re
from pathlib import Path

import pytest

from monitor.detectors import CLASSES, GROUPS, PLAINTEXT_STATES, STATES
from monitor.detectors.binary import BINARY_ENVELOPES
from monitor.detectors.decodings import DECODINGS
from monitor.detectors.envelopes import ENVELOPES
from tests.support import detector_page

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "detectors.md").read_text(encoding="utf-8")


def rows(section: str) -> list[list[str]]:
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    table = [re.split(r" *\| *", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]
    return table[1:]


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Classes", GROUPS["any"]),
        ("Decodings", [name for name, _ in DECODINGS]),
        ("Ciphertext envelopes", [name for name, *_ in (*ENVELOPES, *BINARY_ENVELOPES) if name != "age"]),
    ],
)
def test_every_name_has_its_row_in_order(section, names):
    assert [row[0] for row in rows(section) if row[0] != "age"] == list(names)


def test_states_and_what_plaintext_says_of_them():
    assert {row[0]: row[2] == "yes" for row in rows("States")} == {s: s in PLAINTEXT_STATES for s in STATES}


def test_the_catalogue_page_equals_the_catalogue():
    assert detector_page.PAGE.read_text(encoding="utf-8") == detector_page.render(), (
        "write it anew: python -m tests.support.detector_page"
    )


def test_every_class_has_a_section_with_something_found_and_something_not():
    sections = detector_page.render().split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections] == list(CLASSES)
    for section in sections:
        assert re.search(r"\| (?:raw|encoded) [01]\.", section), section
        assert section.rstrip().count("| nothing |"), section
