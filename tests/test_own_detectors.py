"""The section `detectors` of the settings, through the commands: what it adds, holds back, refuses."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from monitor.clock import ManualClock
from monitor.detecting import Detection, detection
from monitor.errors import SettingsError
from monitor.questions import check_rules
from tests.support import pages
from tests.support.command import privwatch
from tests.support.shipped import ROOT

PAGE = ROOT / "docs" / "own-detectors.md"
MAILBOX, PERSON = "hilfe@nordwind-shop.de", "anna.berg@nordwind-shop.de"
ALLOW = f"""\
detectors:
  allow:
    mailboxes: {{detectors: [email], values: [{MAILBOX}], owner: DPO, reason: nobody stands behind it,
      expires: 2026-11-30}}
"""
RULE = """\
title: A
id: 3f2f2c0e-1111-4b6a-8a57-0e5f0c9f5a01
name: one
level: low
logsource: {category: application}
detection: {found: {'|pii': WHAT}, condition: found}
x_privacy: {articles: ["5(1)(c)"]}
x_tests:
    - {name: a, expect: match, events: [{set: {message: "TEXT"}}]}
    - {name: b, expect: no_match, events: [{set: {message: nothing}}]}
"""
CUSTOM = """\
detectors:
  custom:
    badge: {what: badges of staff, pattern: 'NW-[0-9]{6}', check: luhn,
      examples: {matches: [NW-123455], passes: [NW-123456]}}
"""
DAY = dt.date(2026, 11, 25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    events = [
        {"@timestamp": "2026-11-16T08:00:00Z", "message": f"to {MAILBOX}"},
        {"@timestamp": "2026-11-16T08:00:01Z", "url": {"original": f"/x?m={MAILBOX.replace('@', '%40')}"}},
        {"@timestamp": "2026-11-16T08:00:02Z", "message": f"to {PERSON} and {MAILBOX.upper()}"},
        {"@timestamp": "2026-11-16T08:00:03Z", "message": "badge NW-123455", "path": "C:\\NW-000018"},
    ]
    (tmp_path / "app.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
    return tmp_path


def rule(folder: Path, what: str, text: str) -> None:
    (folder / "rule.yml").write_text(RULE.replace("WHAT", what).replace("TEXT", text))


def replayed(folder: Path, *more: str) -> tuple[dict[str, int], str]:
    """Violation's path to its count, and what was said beside."""
    done = privwatch(
        "replay",
        "app.ndjson",
        "-r",
        "rule.yml",
        "--category",
        "application",
        "-o",
        "json",
        *more,
        folder=folder,
    )
    assert done.code in {0, 1}, done.err
    return {v["field"]: v["events"] for v in json.loads(done.out)}, done.err


def test_the_page_is_true(tmp_path: Path) -> None:
    shown, said = pages.ran(PAGE, tmp_path)
    assert said == shown, "PRIVWATCH_UPDATE_GOLDEN=1 writes them anew"
    assert len(shown) == 2


def test_an_allow_list_holds_back_in_any_spelling_and_is_counted(folder: Path) -> None:
    rule(folder, "email", PERSON)
    before, _ = replayed(folder, "--store", "before.db")
    assert before == {"message": 2, "url.original": 1}
    (folder / "p.yml").write_text(ALLOW.replace("2026-11-30", "2099-11-30"))
    after, said = replayed(folder, "--store", "after.db", "--config", "p.yml")
    assert after == {"message": 1}
    assert re.search(r"passed over by the allow-list mailboxes: [1-9]\d* look", said)


def test_another_allow_list_reads_a_replayed_file_anew(folder: Path) -> None:
    rule(folder, "email", PERSON)
    (folder / "p.yml").write_text(ALLOW.replace("2026-11-30", "2099-11-30"))
    assert replayed(folder, "--store", "a.db")[0] == {"message": 2, "url.original": 1}
    assert replayed(folder, "--store", "a.db", "--config", "p.yml")[0] == {"message": 1}
    assert replayed(folder, "--store", "a.db")[0] == {"message": 2, "url.original": 1}


def test_after_its_last_day_it_hides_nothing_and_says_so(folder: Path) -> None:
    rule(folder, "email", PERSON)
    (folder / "p.yml").write_text(ALLOW.replace("2026-11-30", "2020-01-31"))
    found, said = replayed(folder, "--store", "a.db", "--config", "p.yml")
    assert found == {"message": 2, "url.original": 1}
    assert "p.yml:3:5: The allow-list 'mailboxes' expired on 2020-01-31 and hides nothing any more." in said


def test_the_last_day_is_part_of_it(folder: Path) -> None:
    (folder / "p.yml").write_text(ALLOW)
    told = detection(folder / "p.yml", {})
    rule(folder, "email", PERSON)
    for day, over in (
        (1_795_996_799, 0),
        (1_796_083_199, 0),
        (1_796_083_200, 1),
    ):  # 29th and 30th, then December
        diagnostics, outcomes = check_rules([folder / "rule.yml"], ManualClock(day * 1_000_000), told)
        assert [one.code for one in diagnostics] == ["filter-expired"] * over
        assert all(one.passed for one in outcomes), "a rule's tests are asked without allow-lists"


def test_values_of_an_allow_list_are_shown_nowhere(folder: Path) -> None:
    (folder / "p.yml").write_text("sources: {stdin: {format: json}}\n" + ALLOW)
    shown = privwatch("config", "--config", "p.yml", "--print", folder=folder)
    assert shown.code == 0
    assert 'values: "***"' in shown.out
    assert MAILBOX not in shown.out
    (folder / "p.yml").write_text(ALLOW.replace("detectors: [email]", f"detectors: [{MAILBOX}]"))
    refused = privwatch("check", "--config", "p.yml", folder=folder)
    assert refused.code == 2
    assert "p.yml:3:17: 'detectors.allow.mailboxes.detectors': one of them is no class" in refused.err
    assert MAILBOX not in refused.err


def test_a_list_in_a_file_counts_and_may_be_wrong(folder: Path) -> None:
    rule(folder, "email", PERSON)
    config = ALLOW.replace("2026-11-30", "2099-11-30").replace(f"values: [{MAILBOX}]", "values_file: own.txt")
    (folder / "p.yml").write_text(config)
    missing = privwatch("scan", "app.ndjson", "--config", "p.yml", folder=folder)
    assert missing.code == 2
    assert "detectors.allow.mailboxes.values_file: own.txt cannot be read (No such file" in missing.err
    (folder / "own.txt").write_text(f"\n{MAILBOX}\n")
    assert replayed(folder, "--store", "a.db", "--config", "p.yml")[0] == {"message": 1}


def test_a_class_of_ones_own_is_asked_by_rules_and_scans(folder: Path) -> None:
    rule(folder, "badge", "NW-123455")
    (folder / "p.yml").write_text(CUSTOM)
    assert replayed(folder, "--config", "p.yml")[0] == {"message": 1, "path": 1}
    done = privwatch("scan", "app.ndjson", "-c", "p.yml", "-d", "badge", "--json", "--html", "a.html",
                     "--rules", "proposed", folder=folder)  # fmt: skip
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {(r["path"], r["detector"], r["records"]) for r in rows} == {
        ("message", "badge", 1),
        ("path", "badge", 1),
    }
    assert "<code>badge</code>" in (folder / "a.html").read_text()
    assert privwatch("check", "proposed", "--config", "p.yml", folder=folder).code == 0
    everything = done.out + done.err + (folder / "a.html").read_text()
    assert "123455" not in everything, "a value of a class of one's own is no more shown than any other"
    details = privwatch(
        "replay", "app.ndjson", "-r", "rule.yml", "-c", "p.yml", "-o", "details", folder=folder
    )
    assert "[badge]" in details.out
    assert not re.search("123455|000018", details.out + details.err)


def test_a_rule_that_asks_for_a_class_that_is_not_there_is_refused(folder: Path) -> None:
    rule(folder, "badge", "NW-123455")
    done = privwatch("check", "rule.yml", folder=folder)
    assert done.code == 1
    assert "'badge' is no detector" in done.out
    assert "name the settings that have a class of your own with --config" in done.out


def test_examples_that_do_not_hold_fail_the_check(folder: Path) -> None:
    text = "sources: {stdin: {format: json}}\n" + CUSTOM.replace(
        "passes: [NW-123456]", "passes: [a, NW-123455]"
    )
    (folder / "p.yml").write_text(text)
    rule(folder, "badge", "NW-123455")
    done = privwatch("check", "rule.yml", "--config", "p.yml", folder=folder)
    assert done.code == 1
    assert re.search(r"p\.yml:5:\d+: .*passes 2.*It finds something in this text\.", done.out)
    assert privwatch("config", "--check", "--config", "p.yml", folder=folder).code == 2


WRONG = [
    ("regions: [DE, XX]", "2:3", "regions", "one of them is no country"),
    ("regions: [de]", "2:3", "regions", "one of them is no country"),
    ("keywords: {email: [post]}", "2:14", "keywords.email", "'email' is no class that more words"),
    ("keywords: {phone: ['(']}", "2:14", "keywords.phone", "one of them is no word"),
    ("custom: {Badge: {}}", "2:12", "custom.Badge", "a class is called in small letters"),
    ("custom: {email: {}}", "2:12", "custom.email", "the catalogue has a class"),
    ("custom: {badge: {pattern: 'a(?=b)'}}", "2:20", "custom.badge.pattern", "the form is refused: look"),
    ("custom: {badge: {pattern: '^ab'}}", "2:20", "custom.badge.pattern", "the form is refused: it says"),
    (r"custom: {badge: {pattern: 'ab\b'}}", "2:20", "custom.badge.pattern", "the form is refused: it says"),
    ("custom: {badge: {pattern: 'a*'}}", "2:20", "custom.badge.pattern", "the form is refused: it also"),
    ("custom: {badge: {pattern: '(a{900}){900}'}}", "2:20", "custom.badge.pattern", "the form is refused: "),
    ("custom: {badge: {check: luhm}}", "2:20", "custom.badge.check", "there is no such check; Did you mean"),
    ("custom: {badge: {kind: health}}", "2:20", "custom.badge.kind", "there is no such kind"),
    ("custom: {badge: {alone: false}}", "2:20", "custom.badge.alone", "without words it would never count"),
    ("allow: {A: {}}", "2:11", "allow.A", "an id has small letters"),
    ("allow: {it: {detectors: [emial]}}", "2:16", "allow.it.detectors", "'emial' is no class or group"),
    ("allow: {it: {detectors: []}}", "2:16", "allow.it.detectors", "none is named, so it holds for nothing"),
    ("allow: {it: {values: []}}", "2:11", "allow.it", "it names nothing"),
    ("allow: {it: {values: ['']}}", "2:16", "allow.it.values", "one of them is empty"),
    ("allow: {it: {domains: ['*.nordwind-shop.de']}}", "2:16", "allow.it.domains", "one of them is no"),
    ("allow: {it: {networks: [93.184.216.1/24]}}", "2:16", "allow.it.networks", "one of them is no network"),
    ("allow: {it: {networks: [93.184.216.0/24]}}", "2:16", "allow.it.networks", "networks are those of"),
    ("allow: {it: {expires: 2026-13-01}}", "2:16", "allow.it.expires", "Input should be a valid date"),
    ("allow: {it: {reason: why}}", "2:16", "allow.it.reason", "String should have at least 10 characters"),
]  # fmt: skip
WHOLE = {
    "custom": {"what": "badges", "pattern": "NW-[0-9]{6}", "examples": {"matches": ["a"], "passes": ["x"]}},
    "allow": {
        "detectors": ["email"],
        "values": ["a"],
        "owner": "DPO",
        "reason": "nobody's at all",
        "expires": "2099-01-01",
    },
}


@pytest.mark.parametrize(("text", "place", "key", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_place_and_a_cure(
    tmp_path: Path, text: str, place: str, key: str, said: str
) -> None:
    section, _, _ = text.partition(":")
    given = text.removesuffix("}}")
    whole = [(k, json.dumps(v)) for k, v in WHOLE.get(section, {}).items() if f"{k}:" not in text]
    rest = ", ".join(f"{k}: {v}" for k, v in whole)
    if rest:  # what the case does not say is said rightly
        text = f"{given}{'' if given.endswith('{') else ', '}{rest}}}}}"
    (tmp_path / "p.yml").write_text(f"detectors:\n  {text}\n")
    with pytest.raises(SettingsError) as refused:
        detection(tmp_path / "p.yml", {})
    assert f"p.yml:{place}: 'detectors.{key}': {said}" in str(refused.value)


def test_as_many_words_as_may_be_said_can_be_looked_for(tmp_path: Path) -> None:
    def told(count: int) -> Detection:
        words = {
            name: [f"{'quux' * 13}{name[:2]}{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(count)]
            for name in ("phone_national", "date_of_birth")
        }
        (tmp_path / "p.yml").write_text(json.dumps({"detectors": {"keywords": words}}))
        return detection(tmp_path / "p.yml", {})

    named = pl.Series(["quux" * 13 + "dacd"])
    found = told(500).catalogue(DAY).find(pl.Series(["4 June 1976"]), ("every",), named)
    assert ("date_of_birth", "raw") in found.select("detector", "state").rows()
    with pytest.raises(SettingsError, match=r"'detectors\.keywords': they are 1,002 words in all; write at"):
        told(501)


def test_a_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("detectors:\n  keyword: {phone: [call]}\n")
    with pytest.raises(
        SettingsError, match=r"p\.yml:2:3: there is no setting 'detectors\.keyword'\. Did you"
    ):
        detection(tmp_path / "p.yml", {})


def test_the_environment_overrides_this_section_too(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("detectors: {regions: [DE]}\nsources: not looked at\n")
    told = detection(tmp_path / "p.yml", {"PRIVWATCH__DETECTORS__REGIONS": "NL,BE", "PRIVWATCH__STORE": "x"})
    catalogue = told.catalogue(DAY)
    assert catalogue.expand(("national_id",)) == ("be_rrn", "nl_bsn")


def test_nothing_said_is_the_shipped_catalogue() -> None:
    assert detection(None, {}).catalogue(DAY).digest == ""
    assert isinstance(detection(None, {}), Detection)
