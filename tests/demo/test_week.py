"""The demo's week: repeatable, in order, and true to its manifest."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from monitor.demo import Manifest, generate
from monitor.demo.manifest import load
from monitor.rules.ruleset import load as load_rules
from tests.support.shipped import SHIPPED, rule_files

QUIET = {"seed": 3, "days": 2, "events_per_day": 600}


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("week")
    return folder, generate(folder, events_per_day=1_500)


def records(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = generate(tmp_path / "a", **QUIET), generate(tmp_path / "b", **QUIET)
    assert first == second
    for name, _ in first.files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_another_seed_gives_another_week(tmp_path: Path) -> None:
    generate(tmp_path / "a", **QUIET)
    generate(tmp_path / "b", **{**QUIET, "seed": 4})
    name = "application.ndjson"
    assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()


def test_the_manifest_counts_every_line_and_survives_its_file(
    week: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder, manifest = week
    manifest.save(tmp_path / "manifest.json")
    assert load(tmp_path / "manifest.json") == manifest
    for name, lines in manifest.files:
        assert len((folder / name).read_bytes().splitlines()) == lines
    assert manifest.events == sum(lines for _, lines in manifest.files)
    assert {path.name for path in folder.iterdir()} == {name for name, _ in manifest.files}


def test_json_lines_are_in_time_order_within_the_days_asked_for(week: tuple[Path, Manifest]) -> None:
    folder, _ = week
    for name in ("application.ndjson", "database.ndjson"):
        times = [made["@timestamp"] for made in records(folder, name)]
        assert times == sorted(times)
        assert times[0] >= "2026-11-16T"
        assert times[-1] < "2026-11-23T"


def test_weekends_are_quiet_at_the_office_and_nights_everywhere(week: tuple[Path, Manifest]) -> None:
    folder, manifest = week
    planted = {line for case in manifest.planted if case.file == "application.ndjson" for line in case.lines}
    crm = [
        made["@timestamp"]
        for number, made in enumerate(records(folder, "application.ndjson"))
        if made["service"]["name"] == "crm" and number not in planted
    ]
    days = Counter(date.fromisoformat(when[:10]).weekday() for when in crm)
    assert days[5] + days[6] < days[1] / 5
    assert {when[11:13] for when in crm} <= {f"{hour:02d}" for hour in range(6, 20)}


ASK_FOR_WEEKS = {"person_records_drip", "service_account_takeover"}
"""They say nothing before two weeks of somebody's history, which a week does not have."""


def test_those_left_out_ask_for_more_than_a_week() -> None:
    ruleset, _ = load_rules([SHIPPED], date(2026, 11, 23))
    rules = {rule.header.name: rule for rule in ruleset.correlations}
    assert {rules[name].baseline.min_history for name in ASK_FOR_WEEKS} == {14}


def test_every_shipped_rule_has_a_planted_case_of_its_family(week: tuple[Path, Manifest]) -> None:
    _, manifest = week
    families = {path.stem: path.parent.name for path in rule_files() if path.stem not in ASK_FOR_WEEKS}
    assert {(case.rule, case.kind) for case in manifest.planted} == set(families.items())
    assert all(case.count == len(set(case.lines)) > 0 for case in manifest.planted)


def test_the_lines_of_a_case_are_those_of_its_actor(week: tuple[Path, Manifest]) -> None:
    folder, manifest = week
    text = {name: (folder / name).read_text(encoding="utf-8").splitlines() for name, _ in manifest.files}
    for case in manifest.planted:
        assert all(case.actor in text[case.file][line] for line in case.lines), case


def test_ordinary_traffic_holds_only_role_and_reserved_addresses(tmp_path: Path) -> None:
    manifest = generate(tmp_path, **QUIET, planted=False)
    assert manifest.planted == ()
    address = re.compile(r"[\w.+*-]+@[\w-]+\.[\w.-]*\w")
    allowed = re.compile(
        r"(no-reply|postmaster|git|crawler|spider|\*+)@.*|.*@example\.com|(logo|map)@[12]x\.\w+|.*Cart@1b6d3586|cart@.*|"
        r"forms@.*"
    )
    for name, _ in manifest.files:
        found = set(address.findall((tmp_path / name).read_text(encoding="utf-8")))
        assert not {each for each in found if not allowed.fullmatch(each)}


def test_ordinary_people_stay_far_below_every_floor(tmp_path: Path) -> None:
    generate(tmp_path, seed=1, days=1, events_per_day=60_000, planted=False)
    floors = {"customer": 100, "patient": 40, "employee": 30}
    reads: Counter[tuple[str, str, str]] = Counter()
    for made in records(tmp_path, "application.ndjson"):
        who = made.get("user", {}).get("name", "svc-")
        for subject in floors.keys() & made.keys():
            if made["event"]["action"] == "read" and not who.startswith("svc-"):
                reads[who, subject, made["@timestamp"][:13]] += 1
    assert reads
    # A sliding hour spans two clock hours at most.
    assert all(2 * count < floors[subject] for (_, subject, _), count in reads.items())


@pytest.mark.parametrize("wrong", [{"days": 0}, {"events_per_day": 0}])
def test_nothing_cannot_be_asked_for(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path, **wrong)


def test_one_day_holds_every_case_too(tmp_path: Path) -> None:
    manifest = generate(tmp_path, days=1, events_per_day=200, start=date(2026, 3, 1))
    assert {case.rule for case in manifest.planted} == {path.stem for path in rule_files()} - ASK_FOR_WEEKS
    times = [made["@timestamp"] for made in records(tmp_path, "application.ndjson")]
    assert all(when.startswith("2026-03-01") for when in times)
