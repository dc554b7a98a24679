"""What every shipped rule owes its reader, and that their inline tests hold in the production engine."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.modifiers import SigmaValueModifier, modifier_mapping

from monitor.decode import decoder
from monitor.demo import bulk
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import ROW, Lines, RecordBatch
from monitor.model import Logsource
from monitor.pipeline import cases
from monitor.pipeline.cases import run_cases
from monitor.rules.ruleset import load
from monitor.rules.tree import Correlation, EventRule, RuleSet
from tests.support.shipped import SHIPPED, rule_files

TODAY = dt.date(2026, 11, 23)
FAMILIES = {"unencrypted", "unanonymised", "bulk", "secrets", "encryption", "transfers", "purpose"}
OURS = {"pii", "plaintext", "state", "lookup", "in"}
ADDRESS = "ada.wellenbrook@nordwind-shop.de"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    found, diagnostics = load([SHIPPED], TODAY)
    assert [each.render() for each in diagnostics] == []
    assert found is not None
    return found


def reported(ruleset: RuleSet) -> list[EventRule | Correlation]:
    return [*(rule for rule in ruleset.rules if rule.reported), *ruleset.correlations]


def test_there_are_enough_of_them_in_each_family() -> None:
    families = Counter(path.parent.name for path in rule_files())
    assert set(families) == FAMILIES
    assert families.total() >= 45
    assert min(families.values()) >= 5


def test_ids_are_random_uuids_and_nobody_shares_one(ruleset: RuleSet) -> None:
    ids = [rule.header.id for rule in (*ruleset.rules, *ruleset.correlations)]
    assert len(ids) == len(set(ids))
    assert {UUID(each).version for each in ids} == {4}


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.stem)
def test_a_file_is_named_after_the_rule_it_reports(path: Path) -> None:
    assert documents(path)[-1]["name"] == path.stem


def test_every_rule_says_what_it_means_and_where_it_errs(ruleset: RuleSet) -> None:
    for rule in reported(ruleset):
        header = rule.header
        assert rule.privacy.articles, header.name
        assert rule.privacy.categories, header.name
        assert header.falsepositives, header.name
        assert header.references, header.name
        assert header.status == "stable", header.name
        assert 100 <= len(header.description) <= 700, header.name
        assert rule.alert.tier in {"page", "review"}, header.name


def test_every_rule_is_tried_both_ways(ruleset: RuleSet) -> None:
    for rule in reported(ruleset):
        assert {test.expect for test in rule.tests} == {"match", "no_match"}, rule.header.name


def test_neighbours_and_tables_named_in_a_description_exist(ruleset: RuleSet) -> None:
    names = {rule.header.name for rule in (*ruleset.rules, *ruleset.correlations)}
    names |= {path.stem for path in (SHIPPED / "lookups").iterdir()}
    for rule in (*ruleset.rules, *ruleset.correlations):
        words = {word.strip(".,();:") for word in rule.header.description.split()}
        assert {word for word in words if "_" in word} <= names, rule.header.name


def test_correlations_have_a_floor_and_count_people_not_services(ruleset: RuleSet) -> None:
    bases = {rule.header.id: rule for rule in ruleset.rules}
    for correlation in ruleset.correlations:
        assert correlation.threshold.bounds
        for base in (bases[each] for each in correlation.rules):
            assert not base.reported
            if correlation.group_by == ("user.name",):
                assert "service_account" in {selection.name for selection in base.selections}


class _Privacy(SigmaValueModifier):
    """What a Sigma tool needs to carry our modifiers through: a name, and the value unchanged."""

    def modify(self, val: Any) -> Any:
        return val


@pytest.mark.parametrize("category", [None, "application"])
@pytest.mark.parametrize(
    ("event", "owner"),
    [
        ({"url": {"original": f"/reset?mail={ADDRESS}"}}, "email_in_url"),
        ({"http": {"request": {"method": "GET"}}, "user": {"name": ADDRESS}}, "email_as_login_name"),
        ({"http": {"request": {"referrer": f"/a?m={ADDRESS}"}}}, "email_in_referrer"),
        ({"event": {"category": "database"}, "db": {"statement": ADDRESS}}, "email_in_database_audit"),
        ({"error": {"message": "no"}, "who": ADDRESS}, "email_in_error_report"),
        ({"message": "done", "url": {"original": f"/reset?mail={ADDRESS}"}}, "email_in_application_log"),
    ],
)
def test_whatever_an_application_logs_has_one_owner(
    ruleset: RuleSet, event: dict[str, Any], owner: str, category: str | None
) -> None:
    plan = compile_plan(ruleset)
    records = RecordBatch("p", range(1), 1, Lines(json.dumps(event).encode()), Logsource(category))
    matches = evaluate(plan, decoder("json", plan.projection).decode(records))
    asked = zip(matches.rules, matches.rows, strict=True)
    assert [r.rule.header.name for r, rows in asked if len(rows) and r.rule.reported] == [owner]


def test_a_stock_sigma_tool_loads_them_and_objects_to_our_modifiers_alone() -> None:
    clean = 0
    for path in rule_files():
        errors = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"), collect_errors=True).errors
        assert {str(error) for error in errors} <= {f"Unknown modifier '{name}'" for name in OURS}, path.stem
        clean += not errors
    assert clean >= 10


def test_with_our_modifiers_registered_a_sigma_tool_loads_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in OURS:
        monkeypatch.setitem(modifier_mapping, name, _Privacy)
    for path in rule_files():
        collection = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))
        assert [rule.custom_attributes.keys() >= {"x_privacy"} for rule in collection.rules].count(False) == 0


def test_their_inline_tests_hold_in_the_production_engine(ruleset: RuleSet) -> None:
    outcomes = run_cases(ruleset)
    assert len(outcomes) >= 2 * len(reported(ruleset))
    assert [f"{each.span} {each.name}: {each.message}" for each in outcomes if not each.passed] == []


def test_what_one_rule_reports_no_other_reports_too(ruleset: RuleSet) -> None:
    plan = compile_plan(ruleset)
    for owner in reported(ruleset):
        for test in (test for test in owner.tests if test.expect == "match"):
            matches, _, _ = cases._evaluate(cases._with_tables(plan, test), test)
            asked = zip(matches.rules, matches.rows, strict=True)
            firing = {each.rule.header.name for each, rows in asked if each.rule.reported and len(rows)}
            assert firing <= {owner.header.name}, test.name


def test_ordinary_records_are_read_by_their_columns(ruleset: RuleSet, tmp_path: Path) -> None:
    """A list in a field that rules want all of would have each taken apart: three times as slow."""
    bulk(tmp_path / "app.ndjson", 2000)
    data = (tmp_path / "app.ndjson").read_bytes()
    read = decoder("json", compile_plan(ruleset).projection).decode(
        RecordBatch("app", range(2000), 2000, Lines(data))
    )
    whole = read.narrowed(read.frame[ROW])
    assert whole.frame.height == 2000
    assert whole.irregular.sum() < 20
