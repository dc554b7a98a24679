"""What waits for people: clocks of Art. 33, and cases that nobody has settled. No case and nobody by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.grafana.source.parts import Panel, Query, Row, dashboard, lines, number

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

JOB = 'job="privwatch"'
DAY = 24 * 3600.0
LEFT = f"min(privwatch_breach_deadline_seconds{{{JOB}}})"


def _cases(by: str, wanted: str = "") -> str:
    """Cases summed up. Instances of one store say the same: the most of any counts."""
    each = f"max by (tier, level, state) (privwatch_review_cases{{{JOB}{wanted}}})"
    return f"sum by ({by}) ({each})" if by else f"sum({each}) or vector(0)"


def build() -> Dashboard:
    """The dashboard."""
    return dashboard(
        "privwatch-review",
        "Privwatch: review",
        "Clocks that run, and cases that wait. Whose, and what of, is in the pages of `privwatch web` alone.",
        (_clocks(), _backlog(), _where()),
        since="now-7d",
    )


def _clocks() -> Row:
    def count(state: str) -> str:
        return f'max(privwatch_breach_clocks{{{JOB},state="{state}"}})'

    return Row(
        "The 72 hours of Art. 33",
        (
            number(
                "Clocks that run",
                "With more than a day left. They run from the moment of awareness that a person set.",
                count("running"),
                width=4,
                height=6,
            ),
            number("Less than 24 hours left", "", count("urgent"), width=4, height=6, limits=(1.0,)),
            number(
                "Over", "72 hours passed, nobody notified.", count("over"), width=4, height=6, limits=(1.0,)
            ),
            lines(
                "Time left until the first of them is over",
                "Below zero it is over. Nothing is drawn while no clock runs.",
                {"left": LEFT},
                unit="s",
                width=12,
                height=6,
                floor=None,
            ),
        ),
    )


def _backlog() -> Row:
    oldest = f"max(privwatch_review_oldest_seconds{{{JOB}}}) or vector(0)"
    grave = ',level=~"critical|high",state="new"'
    return Row(
        "What waits",
        (
            number("Cases not settled", "", _cases(""), width=4, height=6),
            number("New, critical or high", "", _cases("", grave), width=4, height=6, limits=(1.0, 25.0)),
            number(
                "Age of the oldest new case",
                "Since its first event.",
                oldest,
                unit="s",
                width=4,
                height=6,
                limits=(7 * DAY, 28 * DAY),
            ),
            lines(
                "Cases not settled, by state",
                "It should fall on the day somebody reviews.",
                {"{{state}}": _cases("state")},
                width=12,
                height=6,
                stacked=True,
            ),
        ),
    )


def _where() -> Row:
    each = f"max by (tier, level) (privwatch_review_oldest_seconds{{{JOB}}})"
    return Row(
        "Which",
        (
            lines(
                "New cases, by level",
                "",
                {"{{level}}": _cases("level", ',state="new"')},
                width=8,
                height=9,
                stacked=True,
            ),
            Panel(
                "bars",
                "Age of the oldest new case, by tier and level",
                "",
                (Query(each, "{{tier}}, {{level}}"),),
                unit="s",
                width=8,
                height=9,
            ),
            Panel(
                "table",
                "Cases not settled",
                "By tier and level of their rule, and by state.",
                (Query(f"sort_desc(max by (tier, level, state) (privwatch_review_cases{{{JOB}}}))"),),
                width=8,
                height=9,
            ),
        ),
    )
