"""Writes the dashboards: `python -m deploy.grafana.source`. A test holds the files equal to this."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source import pipeline, review, violations

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

HERE: Final = Path(__file__).resolve().parent.parent
RULES: Final = HERE.parent.parent / "rules"


def rule_titles() -> dict[str, str]:
    """Titles of the shipped rules, by id."""
    documents = (
        document
        for file in sorted(RULES.rglob("*.yml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    )
    return {one["id"]: one["title"] for one in documents if one and "id" in one}


def made() -> dict[Path, str]:
    """Every file with its text."""
    dashboards: dict[str, Dashboard] = {
        "violations": violations.build(rule_titles()),
        "pipeline": pipeline.build(),
        "review": review.build(),
    }
    return {
        HERE / "dashboards" / f"{name}.json": json.dumps(one, cls=JSONEncoder, indent=1, sort_keys=True)
        + "\n"
        for name, one in dashboards.items()
    }


if __name__ == "__main__":
    for file, text in made().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
