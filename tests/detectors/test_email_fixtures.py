"""Other people's e-mail cases and logs. We look for addresses in running text, they validate whole inputs."""

import json

import polars as pl
import pytest

from monitor.detectors import find
from tests.support.fixtures import fixtures_dir, needs_fixtures

pytestmark = needs_fixtures


def rows(*parts: str) -> list[dict]:
    return [json.loads(line) for line in fixtures_dir(*parts).read_text(encoding="utf-8").splitlines()]


def recall(texts: list[str]) -> float:
    found = find(pl.Series(texts, dtype=pl.String), ("email",))["index"].n_unique()
    return found / len(texts)


def states(texts: list[str], path: str = "") -> dict[str, int]:
    frame = find(pl.Series(texts), ("any",), pl.Series([path] * len(texts)))
    return dict(
        frame.filter(pl.col("state").is_in(["raw", "encoded"]))["detector"].value_counts().iter_rows()
    )


def lines(*parts: str) -> list[str]:
    return fixtures_dir(*parts).read_text(encoding="utf-8", errors="replace").splitlines()


# What the misses of the validator sets are, all of them meant: a domain without a dot (`postbox@com`), a
# numeric or one-letter top-level domain, a local part of nothing but separators (`~@`, `+@`, `{_test_}@`), an
# empty or blank quoted local part. What we find and they call invalid is an address with something wrong
# around it (`hello world@…`, a final newline), which is how addresses stand in logs.
def test_isemail():
    cases = rows("email-isemail", "tests.jsonl")
    valid = [c["address"] for c in cases if c["category"] == "ISEMAIL_VALID_CATEGORY"]
    assert recall(valid) >= 0.75


def test_flanker():
    cases = rows("email-flanker", "cases.jsonl")
    assert recall([c["input"] for c in cases if c["set"] == "mailbox_valid"]) >= 0.86


def test_django():
    cases = [c for c in rows("email-misc", "django.jsonl") if "email" in c["validator"].lower()]
    assert recall([c["value"] for c in cases if c["valid"]]) >= 0.85


def test_wtforms():
    values = [c["params"]["email_address"] for c in rows("email-misc", "wtforms.jsonl") if c["valid"]]
    assert recall(values) == 1


def test_scrubadub():
    """The bare word `at` is left alone: 17 % of ordinary lines hold it."""
    cases = [c for c in rows("pii-scrubadub", "before_after.jsonl") if c["file"] == "test_detector_emails.py"]
    assert len(cases) >= 6
    assert [c["before"] for c in cases if recall([c["before"]]) == 0] == ["My email is john at gmail.com"]


def test_scrubadub_cards():
    cases = rows("pii-scrubadub", "before_after.jsonl")
    texts = [c["before"] for c in cases if c["file"] == "test_detector_credit_card.py"]
    assert states(texts) == {"card": len(texts)}


def test_commonregex():
    cases = [c for c in rows("pii-commonregex", "cases.jsonl") if c["class"] == "Emails"]
    assert all((recall([c["text"]]) == 1) == c["match"] for c in cases)


def test_no_other_class_of_commonregex_is_taken_for_ours():
    texts = [c["text"] for c in rows("pii-commonregex", "cases.jsonl") if c["class"] != "Emails"]
    assert states(texts) == {}


def test_crawler_contacts_of_an_access_log_are_no_data_subjects():
    [log] = [f for f in fixtures_dir("access-elastic-apache10k").iterdir() if f.stat().st_size > 1_000_000]
    frame = find(pl.Series(log.read_text(encoding="utf-8").splitlines()), ("any",))
    assert frame["state"].to_list() == ["not_personal"] * 198


@pytest.mark.parametrize("folder", ["syslog-elastic-auth", "applog-elastic-kafka-cluster", "db-pgaudit"])
def test_logs_without_personal_data(folder):
    for file in sorted(fixtures_dir(folder).rglob("*")):
        if file.is_file() and "LICENSE" not in file.name and file.name != "ORIGIN.txt":
            assert states(lines(str(file))) == {}


def test_openssh_algorithms_are_no_addresses():
    texts = lines("parse-beats-filebeat-modules", "auditd", "log", "test", "audit-rhel7.log")
    assert any("@openssh.com" in text for text in texts)
    assert states(texts) == {}
