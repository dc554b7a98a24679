"""Correlations: panes to episodes.

A sliding window is `(t - timespan, t]`, exact at the tick, evaluated at every tick in which an event of the
group falls. An episode is a run of ticks at which the condition holds, no two further apart than that. Of
hopping windows those that overlap are one episode; a tumbling window and a session are one each.

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
from monitor.engine.windowed import able, ordered, windowed
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Evidence, Position, Violation
from monitor.rules.compile import condition_expr
from monitor.rules.tree import Correlation

MAX_RESOURCES = 3
"""Resources an episode names, where its events touched several."""

_BOUNDS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "eq": lambda value, bound: value == bound,
    "neq": lambda value, bound: value != bound,
}


def _holds(correlation: Correlation) -> pl.Expr:
    """Whether the condition holds, over WINDOWS."""
    threshold, seen = correlation.threshold, pl.col("seen")
    if threshold.when is None:
        return pl.all_horizontal([_BOUNDS[op](seen, bound) for op, bound in threshold.bounds])
    matched = {rule: (pl.col("rules") & (1 << at)) != 0 for at, rule in enumerate(correlation.rules)}
    said = condition_expr(threshold.when, matched)
    return said & (seen == len(ordered(correlation))) if correlation.type == "temporal_ordered" else said


def episode_bounds(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """`group`, `begins`, `start`, `end` (ticks, inclusive) and `seen` (largest) of every episode.

    `begins` is the first tick whose events are in it; `start` names it: the end of its first sliding window,
    and the begin of any other.
    """
    sliding = correlation.window.kind == "sliding"
    before = pl.col("end").shift().over("group")
    apart = pl.col("end") - before > span_ticks(correlation) if sliding else pl.col("begins") > before
    return (
        windowed(correlation, able(correlation, frame))
        .filter(_holds(correlation))
        .sort("group", "end")
        .with_columns(apart.fill_null(value=True).cum_sum().over("group").alias("episode"))
        .group_by("group", "episode", maintain_order=True)
        .agg(
            pl.col("begins").min(),
            pl.col("end" if sliding else "begins").min().alias("start"),
            pl.col("end").max(),
            pl.col("seen").max(),
        )
        .drop("episode")
    )


def open_since(correlation: Correlation, frame: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """`group`, `open`: from which tick on it is needed, if an event at the horizon could join something."""
    session = correlation.window.kind == "session"
    found = windowed(correlation, frame) if session else episode_bounds(correlation, frame)
    return (
        found.filter(pl.col("end") >= horizon - span_ticks(correlation))
        .group_by("group")
        .agg(pl.col("begins" if session else "start").min().alias("open"))
    )


def episodes(correlation: Correlation, frame: pl.DataFrame, keyring: Keyring) -> Iterator[Violation]:
    """Violations of all episodes in the panes, which must hold everything of the groups they hold."""
    found = episode_bounds(correlation, frame)
    if found.is_empty():
        return
    numbered = found.with_row_index("episode")
    # Episodes of a group never overlap: a pane can only belong to the one that ends next.
    inside = (
        frame.sort("tick")
        .join_asof(
            numbered.sort("end"),
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
            extract=_extract(correlation, row["seen"]),
        ),
        subjects=tuple(row["subject"]),
        value=row["seen"],
        start=start,
    )


def _extract(correlation: Correlation, seen: float) -> str:
    """What the windows held at most, and what the rule asks for."""
    span = "no longer than {} s apart" if correlation.window.kind == "session" else "in {} s"
    within = span.format(correlation.timespan)
    if correlation.threshold.when is not None:
        return f"{_figure(seen)} rules {within}, rule says {correlation.threshold.text}"
    bounds = " and ".join(f"{op} {_figure(bound)}" for op, bound in correlation.threshold.bounds)
    return f"{_figure(seen)} {within}, rule says {bounds}"


def _figure(number: float) -> str:
    """The number as people write it: no exponent below 10^15, no fraction that says nothing."""
    return f"{number:.15g}"


def instant(micros: int) -> str:
    """`2026-11-16T09:30:00Z`."""
    return str(
        pl.select(pl.from_epoch(pl.lit(micros), time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).item()
    )
