"""What was found: by rule, level and source. Never by person: no metric has one as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.grafana.source.parts import Panel, Query, Row, dashboard, lines, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Dashboard

JOB = 'job="privwatch"'
RECORDED_HOUR = f"level:privwatch_violations:increase1h{{{JOB}}}"
HOUR = f"sum by (level) ({RECORDED_HOUR})"
DAY = f"rule:privwatch_violations:increase1d{{{JOB}}}"
GRAVE = f'rule:privwatch_violations:increase1d{{{JOB},level=~"critical|high"}}'
TOTAL = f"privwatch_violations_total{{{JOB}}}"
# A counter begins with its first violation, at 1 and not at 0: its first value is added.
BY_SOURCE = f"""\
sum by (source) (
  (increase({TOTAL}[1d]) or 0 * {TOTAL})
  + ((min_over_time({TOTAL}[1d]) unless {TOTAL} offset 1d) or 0 * {TOTAL})
)"""


def build(names: Mapping[str, str]) -> Dashboard:
    """The dashboard, with the titles of rules by their ids."""
    return dashboard(
        "privwatch-violations",
        "Privwatch: violations",
        "What the rules found. People are in the review page alone; here are rules, levels and sources.",
        (_now(), _trend(), _where(names)),
        since="now-24h",
    )


def _now() -> Row:
    rejects = f"max(job:privwatch_rejects:ratio_rate15m{{{JOB}}}) or vector(0)"
    blind = f"sum(max by (source) (privwatch_blind_rules{{{JOB}}})) or vector(0)"
    return Row(
        "The last day",
        (
            number("Violations", "Found or grown within a day.", f"round(sum({DAY}))", width=5),
            number(
                "Critical and high",
                "Of these, by the level of their rule.",
                f"round(sum({GRAVE}) or vector(0))",
                width=5,
                limits=(1.0,),
            ),
            number("Rules that found something", "", f"count({DAY} > 0)", width=4),
            number(
                "Rules that are blind",
                "Rules that cannot see: what they would find is missing here.",
                blind,
                width=5,
                limits=(1.0,),
            ),
            number(
                "Records not searched",
                "Share of the records of the last quarter of an hour that could not be read.",
                rejects,
                unit="percentunit",
                width=5,
                limits=(0.001, 0.01),
            ),
        ),
    )


def _trend() -> Row:
    before = f"sum by (level) ({RECORDED_HOUR} offset 1w)"
    return Row(
        "Over time",
        (
            lines(
                "Violations in the hour before, by level",
                "A violation that many batches add to counts as often.",
                {"{{level}}": HOUR},
                width=12,
                stacked=True,
            ),
            lines(
                "Against a week before, by level",
                "Above zero: more than at this hour a week before. Without data of then, all of it.",
                {"{{level}}": f"{HOUR} - ({before} or 0 * {HOUR})"},
                width=12,
                floor=None,
            ),
        ),
    )


def _where(names: Mapping[str, str]) -> Row:
    levels = f"sum by (level) ({DAY})"
    return Row(
        "Which rules, which systems",
        (
            Panel(
                "table",
                "By rule, within a day",
                "A rule of your own is shown by its id.",
                (Query(f"round(sort_desc({DAY} > 0))"),),
                width=12,
                height=12,
                names=names,
            ),
            Panel(
                "bars",
                "By source, within a day",
                "Topic or group of files.",
                (Query(BY_SOURCE, "{{source}}"),),
                height=12,
            ),
            Panel("bars", "By level, within a day", "", (Query(levels, "{{level}}"),), width=4, height=12),
        ),
    )
