"""The rules that watch privwatch: Prometheus takes them, each fires when it should, each has a runbook."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from monitor import telemetry
from tests.support.prometheus_server import missing, tool
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run

FOLDER = ROOT / "deploy" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.rules.yml"))
TESTS = sorted((FOLDER / "tests").glob("*.test.yml"))
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")


def rules() -> list[dict]:
    return [
        rule
        for file in RULES
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if reason := missing():
        cannot_run(reason)
    return subprocess.run(
        [tool("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.prometheus
def test_prometheus_takes_the_rules_and_the_configuration():
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    checked = promtool("check", "config", FOLDER / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rule files found" in checked.stdout


@pytest.mark.prometheus
def test_each_alert_fires_when_it_should_and_only_then():
    done = promtool("test", "rules", *TESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(TESTS)


@pytest.mark.prometheus
def test_a_threshold_that_moves_fails_the_tests(tmp_path):
    for file in (*RULES, *TESTS):
        copy = tmp_path / file.relative_to(FOLDER)
        copy.parent.mkdir(exist_ok=True)
        text = file.read_text(encoding="utf-8")
        copy.write_text(text.replace("ratio_rate15m > 0.01", "ratio_rate15m > 0.1"))
    assert promtool("test", "rules", tmp_path / "tests" / "coverage.test.yml").returncode != 0


def test_every_alert_has_a_case_where_it_fires_and_one_where_it_does_not():
    asked = [
        case
        for file in TESTS
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
        for case in test.get("alert_rule_test", ())
    ]
    assert {case["alertname"] for case in asked if case["exp_alerts"]} == set(ALERTS)
    silent = {case["alertname"] for case in asked if not case["exp_alerts"]}
    assert silent == set(ALERTS) - {"PrivwatchWatchdog"}, "the watchdog always fires"


def test_every_metric_that_is_asked_exists():
    named = {metric.name for metric in telemetry.METRICS}
    named |= {
        f"{metric.name}{suffix}"
        for metric in telemetry.METRICS
        if metric.kind == "histogram"
        for suffix in ("_bucket", "_count", "_sum")
    }
    # A name after a colon is a part of a recorded one.
    asked = {
        name for rule in rules() for name in re.findall(r"(?<![\w:])privwatch_\w+(?![\w:])", rule["expr"])
    }
    assert asked, "there is something to compare"
    assert asked <= named
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for rule in rules() for name in re.findall(r"\w+:\w+:\w+", rule["expr"])}
    assert used <= recorded


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_says_how_bad_it_is_and_what_to_do(name):
    rule = ALERTS[name]
    assert rule["labels"]["component"] == "privwatch"
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    notes = rule["annotations"]
    assert notes["runbook"] == f"docs/runbooks.md#{name.lower()}"
    assert notes["summary"].endswith(".")
    section = RUNBOOKS.partition(f"\n### {name}\n")[2].partition("\n##")[0]
    for part in ("Symptom", "Likely causes", "What to do"):
        said = section.partition(f"**{part}.**")[2].strip()
        assert len(said) > 20, f"{name}: {part}"


def test_the_runbooks_speak_of_no_other_alert():
    assert set(re.findall(r"^### (\w+)$", RUNBOOKS, re.MULTILINE)) == set(ALERTS)
    for target in re.findall(r"\]\(#(\w+)\)", RUNBOOKS):
        assert target in {name.lower() for name in ALERTS}
