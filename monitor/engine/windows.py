"""Correlations: panes to episodes.

A window is `(t - timespan, t]`, exact at the tick, evaluated at every tick in which an event of the group
falls. An episode is a run of ticks at which the condition holds, no two further apart than the timespan.

    ticks     0   1   2   3   4   5   6   7   8
    events    2       1   3               4
    count     2       3   6               4       timespan 4 ticks, floor 5
    episode               [ ]                     starts and ends at tick 3, counts the 6 events of (-1, 3]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS, resolution, span_ticks
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Evidence, Position, Violation
from monitor.rules.compile import EXACT_FLOATS
from monitor.rules.tree import Correlation

MAX_RESOURCES = 3
"""Resources an episode names, where its events touched several."""

_BOUNDS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "eq": lambda value, bound: value == bound,
}


def _windowed(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """`group`, `tick`, `seen`: the value of the window that ends with each tick the group has events in."""
    if correlation.type == "value_count":
        return _distinct(frame, span_ticks(correlation))
    per_tick = (
        frame.group_by("group", "tick").agg(pl.col("count", "whole", "fraction").sum()).sort("group", "tick")
    )
    summed = per_tick.rolling(
        "tick", period=f"{span_ticks(correlation)}i", group_by="group", closed="right"
    ).agg(pl.col("count", "whole", "fraction").sum())
    seen = pl.col("count").cast(pl.Float64) if correlation.type == "event_count" else _exact_sum()
    return summed.select("group", "tick", seen.alias("seen"))


def _exact_sum() -> pl.Expr:
    """The Float64 nearest to whole and millionths: one division, as long as its operands are exact."""
    whole, fraction = pl.col("whole"), pl.col("fraction")
    # Polars multiplies by the reciprocal of a scalar, which rounds twice; by a column it divides.
    millions = whole * 0 + float(MICROS)
    exact = whole.abs() < EXACT_FLOATS // MICROS - MICROS
    return pl.when(exact).then((whole * MICROS + fraction) / millions).otherwise(whole + fraction / millions)


def _distinct(frame: pl.DataFrame, span: int) -> pl.DataFrame:
    """Exact sliding distinct count: a value counts from its tick until `span` ticks after its last one.

    Each value's occurrences are joined to runs; a run adds one where it begins and takes one where it ends.
    """
    seen = frame.select("group", "value", "tick").unique().sort("group", "value", "tick")
    key = ["group", "value"]
    begins = (pl.col("tick") - pl.col("tick").shift().over(key) > span - 1).fill_null(value=True)
    ends = (pl.col("tick").shift(-1).over(key) - pl.col("tick") > span - 1).fill_null(value=True)
    steps = pl.concat(
        [
            seen.filter(begins).select("group", "tick", pl.lit(1).alias("step")),
            seen.filter(ends).select("group", pl.col("tick") + span, pl.lit(-1).alias("step")),
        ]
    )
    running = (
        steps.group_by("group", "tick")
        .agg(pl.col("step").sum())
        .sort("group", "tick")
        .select("group", "tick", pl.col("step").cum_sum().over("group").cast(pl.Float64).alias("seen"))
    )
    ticks = seen.select("group", "tick").unique()
    return (
        pl.concat([running, ticks.with_columns(pl.lit(None, dtype=pl.Float64).alias("seen"))])
        .group_by("group", "tick")
        .agg(pl.col("seen").drop_nulls().first())
        .sort("group", "tick")
        .with_columns(pl.col("seen").forward_fill().over("group"))
        .join(ticks, on=["group", "tick"], how="semi")
        .sort("group", "tick")
    )


def episode_bounds(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """`group`, `start`, `end` (ticks, inclusive) and `seen` (largest) of every episode."""
    settled = frame.filter(pl.col("settled")).select("group", "tick")
    windowed = _windowed(correlation, frame).join(settled, on=["group", "tick"], how="anti")
    holds = pl.all_horizontal(
        [_BOUNDS[op](pl.col("seen"), bound) for op, bound in correlation.threshold.bounds]
    )
    gap = (pl.col("tick") - pl.col("tick").shift().over("group") > span_ticks(correlation)).fill_null(
        value=True
    )
    return (
        windowed.filter(holds)
        .sort("group", "tick")
        .with_columns(gap.cum_sum().over("group").alias("episode"))
        .group_by("group", "episode", maintain_order=True)
        .agg(pl.col("tick").min().alias("start"), pl.col("tick").max().alias("end"), pl.col("seen").max())
        .drop("episode")
    )


def episodes(correlation: Correlation, frame: pl.DataFrame, keyring: Keyring) -> Iterator[Violation]:
    """Violations of all episodes in the panes, which must hold everything of the groups they hold."""
    found = episode_bounds(correlation, frame)
    if found.is_empty():
        return
    ordered = found.with_row_index("episode").with_columns(
        begins=pl.col("start") - span_ticks(correlation) + 1
    )
    # Episodes of a group never overlap: a pane can only belong to the one that ends next.
    inside = (
        frame.sort("tick")
        .join_asof(
            ordered.sort("end"),
            left_on="tick",
            right_on="end",
            by="group",
            strategy="forward",
            check_sortedness=False,
        )
        .filter(pl.col("tick") >= pl.col("begins"))
        .group_by("episode", maintain_order=True)
        .agg(
            pl.col("group", "start", "seen", "actor").first(),
            pl.col("resource")
            .filter(pl.col("resource") != "")
            .unique()
            .sort()
            .head(MAX_RESOURCES)
            .str.join(", "),
            pl.col("count").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.struct("partition", "samples").alias("samples"),
            pl.col("subject").filter(pl.col("subject") != 0).unique().bottom_k(MAX_SUBJECTS).sort(),
        )
        .sort("group", "start")
    )
    for row in inside.iter_rows(named=True):
        yield _violation(correlation, row, keyring)


def group_name(correlation: Correlation, group: int, keyring: Keyring) -> str:
    """32 hex digits of rule and group."""
    return keyring.fingerprint([correlation.header.id, str(group)])


def _violation(correlation: Correlation, row: dict[str, Any], keyring: Keyring) -> Violation:
    header = correlation.header
    start = row["start"] * resolution(correlation) * MICROS
    positions = sorted(Position(s["partition"], o) for s in row["samples"] for o in s["samples"])
    bounds = " and ".join(f"{op} {_figure(bound)}" for op, bound in correlation.threshold.bounds)
    return Violation(
        fingerprint=keyring.fingerprint([header.id, str(row["group"]), str(start)]),
        rule=header.id,
        digest=header.digest,
        level=header.level,
        status=header.status,
        kind=correlation.type,
        actor=row["actor"],
        resource=row["resource"],
        path="",
        period=instant(start),
        group=group_name(correlation, row["group"], keyring),
        count=row["count"],
        first=row["first"],
        last=row["last"],
        samples=tuple(positions[:MAX_SAMPLES]),
        evidence=Evidence(
            path=correlation.threshold.field,
            test=correlation.type,
            extract=f"{_figure(row['seen'])} in {correlation.timespan} s, rule says {bounds}",
        ),
        subjects=tuple(row["subject"]),
        value=row["seen"],
        start=start,
    )


def _figure(number: float) -> str:
    """The number as people write it: no exponent below 10^15, no fraction that says nothing."""
    return f"{number:.15g}"


def instant(micros: int) -> str:
    """`2026-11-16T09:30:00Z`."""
    return str(
        pl.select(pl.from_epoch(pl.lit(micros), time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).item()
    )
