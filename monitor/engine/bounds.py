"""Where the episodes of a correlation begin and end, over panes of its own events.

A sliding window is `(t - timespan, t]`, exact at the tick, evaluated at every tick in which an event of the
group falls. An episode is a run of ticks at which the condition holds, no two further apart than that. Of
hopping windows those that overlap are one episode; a tumbling window and a session are one each.

    ticks     0   1   2   3   4   5   6   7   8
    events    2       1   3               4
    count     2       3   6               4       timespan 4 ticks, floor 5
    episode               [ ]                     starts and ends at tick 3, counts the 6 events of (-1, 3]
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from monitor.engine.panes import span_ticks
from monitor.engine.windowed import able, ordered, windowed
from monitor.rules.compile import condition_expr
from monitor.rules.tree import Correlation

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


def open_since(correlation: Correlation, frame: pl.DataFrame, horizons: pl.DataFrame) -> pl.DataFrame:
    """`group`, `open`: from which tick on it is needed, if an event at the horizon could join something.

    `horizons` are `group` and `horizon` (tick).
    """
    session = correlation.window.kind == "session"
    found = windowed(correlation, frame) if session else episode_bounds(correlation, frame)
    return (
        found.join(horizons, on="group")
        .filter(pl.col("end") >= pl.col("horizon") - span_ticks(correlation))
        .group_by("group")
        .agg(pl.col("begins" if session else "start").min().alias("open"))
    )


def settle(correlation: Correlation, panes: pl.DataFrame, horizons: pl.DataFrame) -> pl.DataFrame:
    """The panes that later events could still matter to, and `since`: from where on their group is needed.

    That is its oldest episode that an event at the horizon could still join, or the horizon where there is
    none; before that, one window of settled panes, which later windows hold.
    """
    joinable = open_since(correlation, panes, horizons)
    since = pl.min_horizontal(pl.col("open"), pl.col("horizon"))
    return (
        panes.join(horizons, on="group", how="left")
        .join(joinable, on="group", how="left")
        .with_columns(since=since)
        .filter(pl.col("tick") > pl.col("since") - span_ticks(correlation))
        .with_columns(settled=pl.col("settled") | (pl.col("tick") < pl.col("since")))
        .drop("open", "horizon")
    )


def within(frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The panes that are in an episode, with its columns; `found` are `episode_bounds` and more.

    Episodes of a group never overlap: a pane can only belong to the one that ends next.
    """
    return (
        frame.sort("tick")
        .join_asof(
            found.sort("end"),
            left_on="tick",
            right_on="end",
            by="group",
            strategy="forward",
            check_sortedness=False,
        )
        .filter(pl.col("tick") >= pl.col("begins"))
    )
