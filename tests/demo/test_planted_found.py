"""The shipped rules find the planted cases of the demo's week, all of them and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from monitor.app import ReplayOptions, ReplayReport, replay, shipped_rules
from monitor.demo import Manifest, generate, write_tables
from monitor.engine.keys import Keyring
from monitor.model import Position
from monitor.store.keyfile import load_key


def watch(folder: Path) -> ReplayReport:
    tables = folder / "lookups"
    write_tables(tables)
    rules = (shipped_rules(), tables)
    options = ReplayOptions((str(folder / "logs"),), rules, folder / "a.db", folder / "a.key")
    return replay(options)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, ReplayReport, Keyring]:
    folder = tmp_path_factory.mktemp("planted")
    manifest = generate(folder / "logs", events_per_day=3_000)
    return manifest, watch(folder), Keyring(load_key(folder / "a.key"))


def test_every_line_is_an_event(found: tuple[Manifest, ReplayReport, Keyring]) -> None:
    manifest, report, _ = found
    assert report.events == manifest.events
    assert report.rejects == {}
    assert "untimed" not in report.facts


def test_every_planted_event_of_an_event_rule_is_counted_and_no_other(
    found: tuple[Manifest, ReplayReport, Keyring],
) -> None:
    manifest, report, _ = found
    names = {rule.header.id: rule.header.name for rule in report.ruleset.rules if rule.reported}
    planted: Counter[str] = Counter()
    for case in manifest.planted:
        if case.kind != "bulk":
            planted[case.rule] += case.count
    # Some cases leak two fields of one event: two violations, each counting it.
    twice = {"card_number_in_clear", "contact_details_in_clear"}
    expected = {rule: count * (2 if rule in twice else 1) for rule, count in planted.items()}
    counted: Counter[str] = Counter()
    for violation in report.violations:
        if violation.rule in names:
            counted[names[violation.rule]] += violation.count
    assert counted == expected


def test_samples_lie_on_planted_lines(found: tuple[Manifest, ReplayReport, Keyring]) -> None:
    manifest, report, _ = found
    names = {rule.header.id: rule.header.name for rule in report.ruleset.rules}
    lines = {(case.rule, case.file, line) for case in manifest.planted for line in case.lines}
    for violation in report.violations:
        if violation.rule in names:
            assert {(names[violation.rule], *place(sample)) for sample in violation.samples} <= lines


def place(sample: Position) -> tuple[str, int]:
    return Path(sample.partition.rpartition("#")[0]).name, sample.offset


def test_every_bulk_read_is_one_episode_of_its_actor(found: tuple[Manifest, ReplayReport, Keyring]) -> None:
    manifest, report, keyring = found
    names = {rule.header.id: rule.header.name for rule in report.ruleset.correlations}
    episodes = Counter(
        (names[violation.rule], violation.actor) for violation in report.violations if violation.rule in names
    )
    bulk = [case for case in manifest.planted if case.kind == "bulk"]
    assert Counter(rule for rule, _ in episodes) == Counter(case.rule for case in bulk)
    assert all(count == 1 for count in episodes.values())
    for case in bulk:
        if case.actor:
            assert (case.rule, keyring.pseudonym(case.actor)) in episodes


def test_ordinary_traffic_is_silent(tmp_path: Path) -> None:
    generate(tmp_path / "logs", seed=5, days=2, events_per_day=20_000, planted=False)
    report = watch(tmp_path)
    assert report.events > 30_000
    assert report.violations == ()
