"""The shipped dashboards, and their panels' queries as Prometheus is asked them."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.support.shipped import ROOT

FOLDER = ROOT / "deploy" / "grafana" / "dashboards"


@dataclass(frozen=True)
class Asked:
    """One query of one panel; what Grafana puts in place of its variables is put in."""

    panel: str
    kind: str
    unit: str
    legend: str
    expr: str
    names: dict[str, str]


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def queries(file: Path) -> list[Asked]:
    """Every query of a dashboard, in the order of its panels."""
    document = json.loads(file.read_text(encoding="utf-8"))
    return [
        Asked(
            panel["title"],
            panel["type"],
            panel["fieldConfig"]["defaults"].get("unit", ""),
            target["legendFormat"],
            target["expr"].replace("$__rate_interval", "15s"),
            _names(panel),
        )
        for panel in document["panels"]
        for target in panel.get("targets", ())
    ]


def _names(panel: dict) -> dict[str, str]:
    """What is shown in place of values of the column `rule`."""
    return {
        value: shown["text"]
        for override in panel["fieldConfig"]["overrides"]
        for wanted in override["properties"]
        if wanted["id"] == "mappings"
        for mapping in wanted["value"]
        for value, shown in mapping["options"].items()
    }
