"""Verdicts to violations: one for each rule, group and UTC day, with what is normal and what broke it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from monitor.engine.baseline.facts import HOURS_A_DAY
from monitor.engine.baseline.habits import the_baseline, witnessed
from monitor.engine.baseline.model import Model
from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS
from monitor.engine.windows import group_name
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Evidence, Position, Violation
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import DISTINCT, HOURLY_SIGNALS

MAX_RESOURCES = 3
DAY = 86_400 * MICROS

_WORDS: dict[str, Callable[[str, str, str], str]] = {
    "burst": lambda seen, hour, usual: f"{seen} in an hour ({hour}); usual then {usual}",
    "enumeration": lambda seen, hour, _: f"{seen} with neighbouring numbers in an hour ({hour})",
    "cap": lambda seen, hour, _: f"{seen} in an hour ({hour}), more than the policy allows",
    "soft": lambda seen, hour, usual: f"{seen} in an hour ({hour}); usual then {usual}",
    "off_hours": lambda seen, _, usual: f"{seen} in off-hours of 7 days; usual at most {usual}",
    "day": lambda seen, _, usual: f"{seen} on the day; usual {usual}",
    "drip": lambda seen, _, usual: f"more than usual day after day: {seen}, usual {usual}",
    "novelty": lambda seen, _, usual: f"{seen} never read before; usual {usual}",
}
"""Signal to words for what was seen of what, in which hour, and what is usual."""


def counted_in(correlation: Correlation) -> str:
    """What a baseline counts, in words: people, events, or the field that is added up."""
    if correlation.type == "value_sum":
        return correlation.threshold.field
    return "people" if correlation.type in DISTINCT else "events"


def clock_of(correlation: Correlation) -> str:
    """The zone whose clock a baseline goes by."""
    return the_baseline(correlation).zone or "UTC"


def model_of(correlation: Correlation) -> Model:
    """The model that a rule asks for; its floor is the rule's."""
    said = the_baseline(correlation)
    floor = max(1, round(max((bound for _, bound in correlation.threshold.bounds), default=1)))
    hourly = not set(HOURLY_SIGNALS).isdisjoint(said.signals)
    return replace(
        Model(),
        history=said.history,
        min_history=said.min_history,
        floor=said.scale,
        score=said.score,
        least=floor,
        # A soft day has twice as many as a soft hour.
        soft_least=floor if hourly else -(-floor // 2),
        night_least=floor,
        new_least=floor,
        week_least=floor,
        cap=None if said.cap is None else round(said.cap),
        wait=said.wait,
        sums=correlation.type not in DISTINCT,
    )


def violations(
    correlation: Correlation, verdicts: pl.DataFrame, habits: pl.DataFrame, keyring: Keyring
) -> list[Violation]:
    """Violations of VERDICTS, whose groups and days compact HABITS hold completely; by group and day.

    A day of which all was learned from an archive is what others are compared with, and has none.
    """
    found = []
    same = ["group", "day"]
    days = habits.with_columns(day=pl.col("tick").floordiv(HOURS_A_DAY))
    seen = days.filter(witnessed()).select(same).unique()
    verdicts = verdicts.join(seen, on=same, how="semi", maintain_order="left")
    those = days.join(verdicts.select(same).unique(), on=same, how="semi", maintain_order="left")
    each = those.partition_by(same, as_dict=True)
    for key, rows in verdicts.partition_by(same, as_dict=True).items():
        mine = each[key]
        if not rows["hour"].null_count():
            mine = mine.filter((pl.col("tick") % HOURS_A_DAY).is_in(rows["hour"].unique().implode()))
        found.append(_violation(correlation, rows, mine, keyring))
    return sorted(found, key=lambda one: (one.group, one.start))


def _violation(
    correlation: Correlation, rows: pl.DataFrame, mine: pl.DataFrame, keyring: Keyring
) -> Violation:
    """A group's verdicts of one day, and its habits of the hours they speak of."""
    header, group, day = correlation.header, int(rows["group"][0]), int(rows["day"][0])
    start = day * DAY
    # The most telling signal first, and of that the largest hour.
    lead = rows.sort("seen", descending=True, maintain_order=True).filter(
        pl.col("signal") == rows["signal"][0]
    )
    figures = lead.row(0, named=True)
    positions = sorted(
        Position(partition, offset) for partition, offset in mine.select("partition", "sample").iter_rows()
    )
    resources = mine.filter(pl.col("resource") != "")["resource"].unique().sort()
    return Violation(
        fingerprint=keyring.fingerprint([header.id, str(group), str(start)]),
        rule=header.id,
        digest=header.digest,
        level=header.level,
        status=header.status,
        kind="baseline",
        actor=mine["actor"].max() if mine.height else "",  # type: ignore[arg-type]  # a String column
        resource=", ".join(resources.head(MAX_RESOURCES)),
        path="",
        period=f"{pl.select(pl.from_epoch(pl.lit(day), time_unit='d').cast(pl.String)).item()}",
        group=group_name(correlation, group, keyring),
        count=int(mine["count"].sum()),
        first=_number(mine["first"].min()),
        last=_number(mine["last"].max()),
        samples=tuple(positions[:MAX_SAMPLES]),
        evidence=Evidence(
            path=correlation.threshold.field,
            test="+".join(rows["signal"].unique(maintain_order=True)),
            extract=told(correlation, figures),
        ),
        subjects=tuple(mine.filter(pl.col("subject") != 0)["subject"].unique().bottom_k(MAX_SUBJECTS).sort()),
        value=figures["seen"],
        start=start,
    )


def _number(value: Any) -> int | None:  # noqa: ANN401 - what polars says of a column
    return int(value) if isinstance(value, int) else None


def told(correlation: Correlation, figures: dict[str, Any]) -> str:
    """`180 people in an hour (09:00 UTC); usual then 12, at most 31, peers at most 58 (z 5.7)`."""
    hour = f"{figures['hour']:02d}:00 {clock_of(correlation)}" if figures["hour"] is not None else ""
    usual = "unknown" if figures["usual"] is None else f"{figures['usual']:.0f}"
    seen = f"{figures['seen']:.0f} {counted_in(correlation)}"
    text = _WORDS[figures["signal"]](seen, hour, usual)
    if figures["signal"] in {"burst", "soft", "day"}:
        for words, name in (("at most", "most"), ("peers at most", "peers")):
            text += "" if figures[name] is None else f", {words} {figures[name]:.0f}"
        text += "" if figures["score"] is None else f" (z {figures['score']:.1f})"
    return text
