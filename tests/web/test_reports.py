"""The report of a week: the same in every format and every time, signed, fetching nothing, hiding nothing."""

import csv
import io
import json
import zipfile
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.casebook import Query
from monitor.ledger import exports
from monitor.ledger.entries import Head
from monitor.model import Evidence, Position
from monitor.review import incident, verdicts
from monitor.review.report import report, rests_on
from monitor.review.weeks import week
from monitor.store import open_store
from monitor.web import reports
from tests.support import pango
from tests.support.review import CASE, DAY, NOW, SIGNER, found, office, turn

WEEK = week("2026-W47")
HOSTILE = "\"'></style><script>alert(1)</script><img src=http://evil.example/x>\u202e"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A week with a breach candidate whose clock runs, and a case nobody looked at."""
    with office(tmp_path_factory.mktemp("report")) as made:
        case = made.book.case(CASE)
        said = verdicts.Decision(verdicts.BREACH, "dpo", "went to a vendor")
        made.desk.change(verdicts.decide(case, said, NOW))
        made.desk.change(incident.aware(made.book.case(CASE), "dpo", NOW - 4 * DAY, "the vendor called", NOW))
        yield made


def taken(here, form: str) -> bytes:
    if form == "pdf":
        pango.needed()
    return reports.export(here.desk, WEEK, form, "dpo").content


@pytest.mark.parametrize("form", reports.FORMATS)
def test_twice_is_the_same_bytes_until_a_verdict_changes(tmp_path, form):
    if form == "pdf":
        pango.needed()
    with office(tmp_path) as here:
        first = reports.export(here.desk, WEEK, form, "dpo")
        here.clock.micros += 3_600_000_000
        here.desk.note("evidence.shown", CASE, "dpo", {})
        again = reports.export(here.desk, WEEK, form, "dpo")
        assert first == again
        said = verdicts.Decision(verdicts.OUT_OF_SCOPE, "dpo", "a test system")
        here.desk.change(verdicts.decide(here.book.case(CASE), said, NOW))
        assert reports.export(here.desk, WEEK, form, "dpo").content != first.content


def test_other_weeks_change_nothing_of_it(tmp_path):
    with office(tmp_path) as here:
        first = taken(here, "json")
        with closing(open_store(tmp_path / "store.db")) as store:
            store.write(turn(found(CASE, day=24)))
        here.desk.catch_up()
        assert here.book.case(CASE).violations == 3
        assert taken(here, "json") == first


def test_every_format_says_the_same(here):
    said = json.loads(taken(here, "json"))
    assert said["figures"]["violations"] == 3
    assert [(one["case"], one["violations"], one["state"]) for one in said["cases"]] == [
        ("bb" * 16, 1, "new"),
        (CASE, 2, "breach candidate"),
    ]
    assert said["cases"][1]["verdict"]["reason"] == "went to a vendor"
    assert said["clocks"][0]["due"] == "2026-11-23T09:00:00Z"
    rows = list(csv.DictReader(io.StringIO(taken(here, "csv").decode())))
    assert [(row["case"], row["reason"]) for row in rows] == [
        ("bb" * 16, ""),
        (CASE, "went to a vendor"),
    ]
    page = taken(here, "html").decode()
    for text in ("16 Nov to 22 Nov 2026", "Card number in clear", "went to a vendor", "23 Nov 2026, 09:00"):
        assert text in page
    with zipfile.ZipFile(io.BytesIO(taken(here, "xlsx"))) as book:
        assert b'name="Coverage"' in book.read("xl/workbook.xml")
        assert b"went to a vendor" in book.read("xl/sharedStrings.xml")


def test_the_pdf_is_drawn_from_the_page_and_nothing_of_its_style_is_passed_over(here, caplog):
    pdf = taken(here, "pdf")
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) > 20_000, "its letters come along"
    assert caplog.messages == []


def hostile(folder):
    bad = found(
        "cc" * 16, actor=HOSTILE, resource=HOSTILE, path="=cmd|'/C'!A0", samples=(Position(HOSTILE, 1),),
        evidence=Evidence(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
    )  # fmt: skip
    return office(folder, bad, replace(found("dd" * 16), rule=HOSTILE))


def test_what_logs_hold_stays_text_in_every_format(tmp_path):
    with hostile(tmp_path) as here:
        page = taken(here, "html").decode()
        assert "<script" not in page
        assert "<img" not in page
        assert page.count("</style>") == 1
        assert "\u202e" not in page
        row = next(csv.DictReader(io.StringIO(taken(here, "csv").decode())))
        assert row["field"].startswith("'=cmd")
        with zipfile.ZipFile(io.BytesIO(taken(here, "xlsx"))) as book:
            assert all(b"<f>" not in book.read(name) for name in book.namelist())


def test_a_pdf_of_what_logs_hold_fetches_nothing(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(reports, "_nothing", lambda url, *_, **__: asked.append(url))
    with hostile(tmp_path) as here:
        assert taken(here, "pdf").startswith(b"%PDF-")
    assert asked == []


def test_a_pdf_that_asks_for_something_is_refused_it():
    with pytest.raises(ValueError, match="fetches nothing"):
        reports._nothing("http://evil.example/x.png")


def test_a_signature_holds_for_these_bytes_this_name_this_key(here):
    made = reports.export(here.desk, WEEK, "csv", "dpo")
    checked = (made.name, made.content, made.signature, SIGNER.public)
    assert exports.problem(*checked) == ""
    assert "bytes" in exports.problem(made.name, made.content + b" ", made.signature, SIGNER.public)
    assert "another file" in exports.problem("other.csv", made.content, made.signature, SIGNER.public)
    assert "key" in exports.problem(made.name, made.content, made.signature, "0" * 64)
    moved = made.signature.replace(b'"entry": ', b'"entry": 1')
    assert "changed" in exports.problem(made.name, made.content, moved, SIGNER.public)
    assert "none of" in exports.problem(made.name, made.content, b"{}", SIGNER.public)
    assert exports.unsealed(made.signature)[0].head == rests_on(here.desk)


def test_nobody_decided_anything_yet(tmp_path):
    with office(tmp_path) as here:
        assert rests_on(here.desk).size == here.book.ledger(None, 100)[-1][0].seq
        assert isinstance(rests_on(here.desk), Head)
        empty = report(here.desk, week("2026-W10"))
        assert (empty.cases, empty.overview.violations) == ((), 0)
        assert b"Nothing was found in this week" in reports.as_html(empty)


def test_the_page_gives_them_and_writes_down_who_took_what(here):
    client = here.client("auditor")
    page = client.get("/weeks/2026-W47").text
    for form, (kind, _) in reports.FORMATS.items():
        name = f"privwatch-2026-W47.{form}"
        assert f'href="/weeks/2026-W47/{name}"' in page
        answer = client.get(f"/weeks/2026-W47/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        signature = client.get(f"/weeks/2026-W47/{name}.sig").content
        assert exports.problem(name, answer.content, signature, SIGNER.public) == ""
    entry, payload = here.book.history("2026-W47")[-1]
    assert (entry.kind, entry.who) == ("export", "auditor")
    assert payload.content["file"] == name
    for wrong in ("privwatch-2026-W46.csv", "privwatch-2026-W47.exe", "..%2f..%2fetc%2fpasswd"):
        assert client.get(f"/weeks/2026-W47/{wrong}").status_code == 404
    assert here.client("reviewer").get("/weeks/2026-W47/privwatch-2026-W47.csv").status_code == 403
    assert here.book.find(Query(limit=1)).total == 2
