"""The dashboards are what the code makes, are Grafana's own schema, ask what exists, and show data."""

import json
import re

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.source.__main__ import made, rule_titles
from monitor.clock import SystemClock
from tests.support import dashboards
from tests.support.prometheus_server import missing
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run
from tests.support.watched import Watched

CLOCK = SystemClock()
PATIENCE = 60


def test_the_files_are_what_the_code_makes():
    written = {file: file.read_text(encoding="utf-8") for file in dashboards.files()}
    assert written == made(), "write them anew: python -m deploy.grafana.source"


@pytest.mark.parametrize("file", dashboards.files(), ids=lambda file: file.stem)
def test_the_files_are_read_by_the_types_of_grafanas_schema(file):
    text = file.read_text(encoding="utf-8")
    again = json.dumps(Dashboard.from_json(json.loads(text)), cls=JSONEncoder, indent=1, sort_keys=True)
    assert again + "\n" == text, "nothing is left out or named otherwise"
    document = json.loads(text)
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    for panel in document["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]


@pytest.mark.parametrize("file", dashboards.files(), ids=lambda file: file.stem)
def test_no_panel_shows_people(file):
    legends = " ".join(one.legend for one in dashboards.queries(file))
    labels = set(re.findall(r"\{\{(\w+)\}\}", legends))
    known = "level source partition reason fact stage rule target status sink instance state tier"
    assert labels <= set(known.split())


def test_rules_are_shown_by_their_titles():
    shown = [one.names for file in dashboards.files() for one in dashboards.queries(file) if one.names]
    assert shown == [rule_titles()]


def test_provisioning_leads_to_the_files():
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "privwatch.yml").read_text())["providers"]
    assert provider["type"] == "file"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"


@pytest.mark.kafka
@pytest.mark.prometheus
def test_every_panel_shows_data_of_a_real_daemon(kafka, tmp_path):
    if reason := missing():
        cannot_run(reason)
    waiting = [(file.stem, one) for file in dashboards.files() for one in dashboards.queries(file)]
    with Watched(kafka, tmp_path) as watched:
        watched.prometheus.wait_for("up == 1")
        until = CLOCK.monotonic() + PATIENCE
        waves, reviewed = 0, False
        while waiting:
            watched.wave(renamed=waves > 5)
            reviewed = reviewed or (waves > 2 and watched.reviewed())
            waves += 1
            CLOCK.sleep(1)
            waiting = [(name, one) for name, one in waiting if not watched.prometheus.query(one.expr)]
            assert CLOCK.monotonic() < until, [(name, one.panel, one.expr) for name, one in waiting]
