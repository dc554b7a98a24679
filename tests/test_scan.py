"""`privwatch scan`: what it finds, in which formats, what it cannot read, and what it never says."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from monitor.detectors import CLASSES, SHIPPED, find
from monitor.detectors.samples import SAMPLES
from monitor.engine import survey
from monitor.review import surveyed_page
from tests.support import pages
from tests.support.command import Done, privwatch
from tests.support.shipped import ROOT

PAGE = ROOT / "docs" / "scan.md"
ADDRESS, ACCOUNT = "ada.wellenbrook@nordwind-shop.de", "DE89370400440532013000"
EVENTS = [
    {"message": f"reset link sent to {ADDRESS}", "payment": {"iban": ACCOUNT}},
    {"message": f"reset link sent to {ADDRESS}", "payment": {"iban": "DE** **** 3000"}},
    {"message": "nothing", "items": [{"owner": ADDRESS}, {"owner": f"x.{ADDRESS}"}], "by": {ADDRESS: 1}},
    {"message": "mail to info@nordwind-shop.de from 203.0.113.7", "form": {"password": "hunter2-and-more"}},
]


def scanned(folder: Path, *arguments: str) -> list[dict[str, object]]:
    done = privwatch("scan", *arguments, "--json", folder=folder)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines() if line]


def found(folder: Path, *arguments: str) -> dict[tuple[object, object, object], tuple[object, object]]:
    rows = scanned(folder, *arguments)
    return {(r["path"], r["detector"], r["state"]): (r["records"], r["values"]) for r in rows}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    text = "".join(json.dumps(event) + "\n" for event in EVENTS)
    (tmp_path / "app.ndjson").write_text(text + '{"cut": \n', encoding="utf-8")
    return tmp_path


def test_the_page_is_true(tmp_path: Path) -> None:
    shown, said = pages.ran(PAGE, tmp_path)
    assert said == shown, "PRIVWATCH_UPDATE_GOLDEN=1 writes them anew"
    assert len(shown) == 1


def test_events_and_values_are_counted_by_field_and_state(logs: Path) -> None:
    assert found(logs, "app.ndjson") == {
        ("message", "email", "raw"): (2, 1),
        ("payment.iban", "iban", "raw"): (1, 1),
        ("items.owner", "email", "raw"): (1, 2),
        ("by.{key}", "email", "raw"): (1, 1),
        ("form.password", "password", "raw"): (1, 1),
    }


def test_only_the_detectors_that_are_named_are_asked(logs: Path) -> None:
    assert {key[1] for key in found(logs, "app.ndjson", "-d", "iban", "-d", "credential")} == {
        "iban",
        "password",
    }


def test_what_cannot_be_read_is_told(logs: Path) -> None:
    done = privwatch("scan", "app.ndjson", folder=logs)
    assert "4 events looked at\n1 record not read: JSON that stops before its end" in done.err


def test_every_format_is_read(tmp_path: Path) -> None:
    flat = {"to": [ADDRESS, "nobody", ADDRESS], "iban": [None, ACCOUNT, None]}
    pl.DataFrame(flat).write_parquet(tmp_path / "table.parquet")
    pl.DataFrame(flat).write_csv(tmp_path / "table.csv")
    (tmp_path / "plain.txt").write_text(f"to {ADDRESS}\n\nnothing\n")
    line = f'203.0.113.9 - - [16/Nov/2026:08:00:00 +0000] "GET /?mail={ADDRESS} HTTP/1.1" 200 5\n'
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(line.encode()))
    for name in ("table.parquet", "table.csv"):
        assert found(tmp_path, name) == {("to", "email", "raw"): (2, 1), ("iban", "iban", "raw"): (1, 1)}
    assert found(tmp_path, "plain.txt") == {("message", "email", "raw"): (1, 1)}
    assert found(tmp_path, "access.log.gz") == {("url.original", "email", "raw"): (1, 1)}
    assert len(found(tmp_path, ".")) == 4


def test_many_values_are_counted_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "COUNTED", 10)
    lines = (json.dumps({"to": f"ada{n}.wellenbrook@nordwind-shop.de"}) for n in range(50))
    (tmp_path / "app.ndjson").write_text("\n".join(lines) + "\n")
    assert found(tmp_path, "app.ndjson") == {("to", "email", "raw"): (50, 10)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["app.ndjson", "-d", "mail"], "there is no detector 'mail'; there are email"),
        (["app.ndjson", "--format", "xml"], "there is no format 'xml'; there are auto"),
        (["missing.log"], "missing.log"),
    ],
)
def test_what_is_wrong_is_said(logs: Path, arguments: list[str], said: str) -> None:
    done = privwatch("scan", *arguments, folder=logs)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_no_value_is_told(logs: Path) -> None:
    told: list[Done] = [privwatch("scan", "app.ndjson", *more, folder=logs) for more in ((), ("--json",))]
    for done in told:
        for value in (ADDRESS, "wellenbrook", ACCOUNT, "hunter2"):
            assert value not in done.out + done.err


def test_a_log_without_anything_has_a_heading_alone(tmp_path: Path) -> None:
    (tmp_path / "app.ndjson").write_text('{"message": "started"}\n')
    done = privwatch("scan", "app.ndjson", folder=tmp_path)
    assert (done.out, done.err) == ("events  values  state  detector  field\n", "1 event looked at\n")
    assert len(CLASSES) > 50


def everything(folder: Path) -> Path:
    """A log in which each class is found in a field of its own."""
    event = {"patient": {"diagnosis": SAMPLES["special_category"]}, "by": {ADDRESS: ADDRESS}}
    fields = {name: text for name, text in SAMPLES.items() if name != "special_category"}
    path = folder / "all.ndjson"
    path.write_text(json.dumps({**event, "note": fields}) + "\n", encoding="utf-8")
    return path


def test_samples_are_found_in_a_field_of_any_name() -> None:
    assert set(SAMPLES) == set(CLASSES)
    for name, text in SAMPLES.items():
        path = "diagnosis" if name == "special_category" else "note"
        found = find(pl.Series([text]), (name,), pl.Series([path]))
        assert "raw" in found["state"].to_list(), name


def test_proposed_rules_pass_their_check_and_match_where_they_were_found(tmp_path: Path) -> None:
    everything(tmp_path)
    done = privwatch("scan", "all.ndjson", "--rules", "proposed", folder=tmp_path)
    assert done.code == 0, done.err
    files = sorted((tmp_path / "proposed").glob("*.yml"))
    assert len(files) >= len(CLASSES)
    assert f"{len(files)} rules proposed in proposed" in done.err
    assert "no rule proposed for by.{key}" in done.err
    checked = privwatch("check", "proposed", folder=tmp_path)
    assert checked.code == 0, checked.out + checked.err
    replayed = privwatch("replay", "all.ndjson", "--rules", "proposed", "--store", "s.db", folder=tmp_path)
    assert f"{len(files)} violations of {len(files)} rules in 1 event" in replayed.err


def test_nothing_that_any_detector_finds_leaves_the_engine(tmp_path: Path) -> None:
    """Neither into the survey, its page and its rules, nor into violations, their evidence and the store."""
    everything(tmp_path)
    scan = privwatch("scan", "all.ndjson", "--rules", "proposed", "--html", "page.html", folder=tmp_path)
    (tmp_path / "all.ndjson").rename(tmp_path / "again.ndjson")
    outputs = [
        privwatch(
            "replay",
            "again.ndjson",
            "--rules",
            "proposed",
            "--store",
            "s.db",
            "--output",
            form,
            folder=tmp_path,
        )
        for form in ("details", "json")
    ]
    said = scan.out + scan.err + "".join(done.out + done.err for done in outputs)
    said += (tmp_path / "page.html").read_text(encoding="utf-8")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("s.db*"))
    unnumbered = re.sub(r"\b[0-9a-f][0-9a-f-]{15,35}\b", "", said)
    secrets = {name: longest(name) for name in CLASSES}
    assert set(secrets) == {name for name in CLASSES if f"{name}" in said}
    for name, secret in secrets.items():
        # Three digits may stand by chance within a fingerprint, a pseudonym or an id, and nowhere else.
        assert secret not in (said if len(secret) >= 5 else unnumbered), name
        # Three digits stand in any file.
        assert len(secret) < 5 or secret.encode() not in stored, name


def longest(name: str) -> str:
    """The longest piece of the sample that the detector claims."""
    path = "diagnosis" if name == "special_category" else "note"
    found = find(pl.Series([SAMPLES[name]]), (name,), pl.Series([path]))
    return max((SAMPLES[name][start:end] for start, end in found.select("start", "end").iter_rows()), key=len)


def test_a_proposed_rule_that_is_there_is_left_as_it_is(tmp_path: Path, logs: Path) -> None:
    mine = logs / "proposed" / "undeclared_message.yml"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    done = privwatch("scan", "app.ndjson", "--rules", "proposed", folder=logs)
    assert "1 were there already" in done.err
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_field_that_is_nearly_called_alike_has_a_rule_of_its_own(tmp_path: Path) -> None:
    for fields in (["user_mail"], ["user-mail", "user-mail", "user_mail", "user.mail"]):
        lines = (json.dumps({name: f"{number}.{ADDRESS}"}) for number, name in enumerate(fields))
        (tmp_path / "app.ndjson").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        assert privwatch("scan", "app.ndjson", "--rules", "proposed", folder=tmp_path).code == 0
    asked = [path.read_text(encoding="utf-8") for path in (tmp_path / "proposed").iterdir()]
    assert sorted(re.findall(r"Undeclared personal data in ([^\"]+)", "".join(asked))) == [
        "user-mail",
        "user.mail",
        "user_mail",
    ]
    assert privwatch("check", "proposed", folder=tmp_path).code == 0


def test_a_proposal_follows_no_link(tmp_path: Path, logs: Path) -> None:
    (logs / "proposed").mkdir()
    (logs / "proposed" / "undeclared_message.yml").symlink_to(tmp_path / "elsewhere")
    assert privwatch("scan", "app.ndjson", "--rules", "proposed", folder=logs).code == 0
    assert not (tmp_path / "elsewhere").exists()


def test_the_page_shows_what_was_found_and_no_value(logs: Path) -> None:
    (logs / "more.ndjson").write_text(json.dumps({"to": f"a***@{ADDRESS[-16:]}"}) + "\n", encoding="utf-8")
    done = privwatch("scan", ".", "--html", "out/page.html", folder=logs)
    assert done.code == 0, done.err
    page = (logs / "out" / "page.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    for shown in ("payment.iban", "email", "masked", "not read", "items.owner"):
        assert shown in page, shown
    for hidden in (ADDRESS, "wellenbrook", ACCOUNT, "hunter2", "<script", "http:", "https:", "src="):
        assert hidden not in page, hidden


def test_a_page_that_cannot_be_written_is_said(logs: Path) -> None:
    done = privwatch("scan", "app.ndjson", "--html", "app.ndjson/page.html", folder=logs)
    assert done.code == 2
    assert "cannot be written" in done.err


def test_names_of_fields_are_text_on_the_page() -> None:
    finding = survey.Finding("a<script>\x1bb", "email", "raw", 1, 1, 0.95)
    page = surveyed_page.page([finding], SHIPPED, 1, {"<b>": 1})
    assert "a&lt;script&gt;\ufffdb" in page
    assert "<script" not in page
    assert "<b>" not in page


def test_a_page_is_replaced_whole_and_through_a_link(logs: Path) -> None:
    (logs / "real.html").write_text("former")
    (logs / "page.html").symlink_to("real.html")
    assert privwatch("scan", "app.ndjson", "--html", "page.html", folder=logs).code == 0
    assert (logs / "page.html").is_symlink()
    assert (logs / "real.html").read_text().startswith("<!DOCTYPE html>")
    before = (logs / "real.html").stat().st_ino
    assert privwatch("scan", "app.ndjson", "--html", "real.html", folder=logs).code == 0
    assert (logs / "real.html").stat().st_ino != before, "another file took its place"
    assert not list(logs.glob(".*"))
