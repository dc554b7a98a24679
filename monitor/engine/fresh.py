"""What is new: of a `new_value`, the panes of values that their group did not have in the history before.

From there on it is a distinct count like any other. A value is new in a tick if no tick of the history
before it has it, and the group was there before, as long ago as the rule says at least. So what is new does
not depend on batches, nor on the order of events; and panes are kept for as long as the history is.
"""

from __future__ import annotations

import polars as pl

from monitor.engine.bounds import settle
from monitor.engine.panes import resolution, span_ticks
from monitor.rules.tree import Correlation

PASSED = -1
"""`numbers` of a pane that is in no window any more, and only says which values were there."""


def history_ticks(correlation: Correlation) -> int:
    """Ticks for which a value is remembered."""
    return -(-correlation.history // resolution(correlation))


def fresh(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """The PANES of new values."""
    history = history_ticks(correlation)
    least = max(1, -(-correlation.threshold.min_history // resolution(correlation)))
    ticks = frame.select("group", "value", "tick").unique().sort("group", "value", "tick")
    before = pl.col("tick").shift().over("group", "value")
    new = ticks.filter((pl.col("tick") - before > history).fill_null(value=True))
    known = ticks.select("group", pl.col("tick").alias("known")).unique().sort("known")
    there = (
        new.with_columns(asked=pl.col("tick") - least)
        .sort("asked")
        .join_asof(
            known, left_on="asked", right_on="known", by="group", strategy="backward", check_sortedness=False
        )
        .filter(pl.col("tick") - pl.col("known") <= history)
    )
    return frame.filter(pl.col("numbers") != PASSED).join(
        there.select("group", "value", "tick"),
        on=["group", "value", "tick"],
        how="semi",
        maintain_order="left",
    )


def remembering(correlation: Correlation, panes: pl.DataFrame, horizons: pl.DataFrame) -> pl.DataFrame:
    """The panes that an event at the horizon or later could still matter to.

    Args:
        correlation: a `new_value`.
        panes: all of them.
        horizons: `group` and `horizon` (tick).
    """
    kept = settle(correlation, fresh(correlation, panes), horizons)
    since = horizons.join(kept.group_by("group").agg(pl.col("since").first()), on="group", how="left")
    since = since.select("group", since=pl.col("since").fill_null(pl.col("horizon")))
    begins = pl.col("since") - span_ticks(correlation)
    return (
        panes.join(since, on="group", maintain_order="left")
        .filter(pl.col("tick") > begins - history_ticks(correlation))
        .with_columns(
            settled=pl.col("settled") | (pl.col("tick") < pl.col("since")),
            numbers=pl.when(pl.col("tick") <= begins).then(PASSED).otherwise("numbers"),
        )
        .drop("since")
    )
