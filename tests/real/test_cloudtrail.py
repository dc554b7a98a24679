"""Audit records of a cloud that others labelled: what the rules on encryption and transfers say of each."""

from __future__ import annotations

import json
from pathlib import Path

from tests.real.test_fixtures import found, watch
from tests.support.fixtures import fixtures_dir, needs_fixtures

pytestmark = needs_fixtures

SHARED = "aws.exfiltration.rds-share-snapshot"


def said(records: list[object], folder: Path) -> dict[str, int]:
    log = folder / "records.ndjson"
    log.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    report = watch([log], folder)
    assert report.events == len(records)
    return found(report)


def test_of_recorded_attacks_the_one_that_gives_a_copy_away_is_told(tmp_path: Path) -> None:
    told = {}
    for file in sorted(fixtures_dir("cloudtrail-stratus").glob("*.json")):
        (folder := tmp_path / file.stem).mkdir()
        told[file.stem] = said(json.loads(file.read_text(encoding="utf-8")), folder)
    assert len(told) == 5
    assert told.pop(SHARED) == {"cloud_snapshot_shared": 1}
    # A stopped trail, a sign-in, a new administrator, secrets that were read.
    assert not any(told.values())


def test_of_the_cases_of_other_rules_those_are_told_that_store_without_encryption(tmp_path: Path) -> None:
    lines = fixtures_dir("rule-tests-panther", "rule_tests.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["log_types"] == ["AWS.CloudTrail"]]
    assert len(cases) == 45
    # Labelled for another rule, by whether the database is public: all three are made without encryption.
    unencrypted = [case["log"] for case in cases if case["rule_id"] == "AWS.RDS.PublicRestore"]
    assert [log["responseElements"]["storageEncrypted"] for log in unencrypted] == [False] * 3
    assert said([case["log"] for case in cases], tmp_path) == {"cloud_storage_without_encryption": 3}
