"""What did not happen: of an `absence`, the panes of events that nothing answered in time.

The first rule's event waits for one of the others in its group, or for the next of its own where it is the
only rule. Whether one came within the timespan is told to the microsecond. That none came is known when the
watermark has passed the timespan and the allowed lateness: event time alone says so, here as in an archive.
From there on it is a count of events like any other.

How far event time is stands among the panes, in marks of the group 0, which no event is in: so it is stored
with them, shared by instances, and the same after a crash. There are two kinds: the newest event time of each
partition, and the watermark by which something was decided.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from monitor.engine.bounds import settle
from monitor.engine.panes import MICROS, PANES, resolution, span_ticks
from monitor.rules.correlation import MAX_RULES
from monitor.rules.tree import Correlation

WAITING: dict[str, pl.DataType] = {"group": pl.Int64(), "due": pl.Int64()}
"""What is waited for, see `pending`."""

_MARK = pl.col("group") == 0


_SEEN, _DECIDED = 0, 1
"""`value` of a mark."""


def seen(correlation: Correlation, partition: str, newest: int) -> pl.DataFrame:
    """PANES that say how far a partition was read, event time in microseconds UTC."""
    return _mark(correlation, partition, newest, _SEEN)


def decided(correlation: Correlation, partition: str, now: int) -> pl.DataFrame:
    """PANES that say by which watermark it was decided, microseconds UTC; `partition` only keeps them."""
    return _mark(correlation, partition, now, _DECIDED)


def newest(frames: Iterable[pl.DataFrame]) -> dict[str, int]:
    """How far each partition was read."""
    found = [frame.filter(_MARK & (pl.col("value") == _SEEN)).select("partition", "last") for frame in frames]
    return dict(pl.concat(found).group_by("partition").agg(pl.col("last").max()).iter_rows())


def _mark(correlation: Correlation, partition: str, now: int, kind: int) -> pl.DataFrame:
    step = resolution(correlation) * MICROS
    row = dict.fromkeys(PANES, 0) | {
        "tick": now // step,
        "value": kind,
        "partition": partition,
        "actor": "",
        "resource": "",
        "first": now,
        "last": now,
        "samples": [],
        "settled": False,
    }
    return pl.DataFrame([row], schema=PANES, orient="row")


def latest(frame: pl.DataFrame) -> int | None:
    """The watermark by which it is decided; None: no mark says."""
    found = frame.filter(_MARK & (pl.col("value") == _DECIDED))["last"].max()
    return found if isinstance(found, int) else None


def unanswered(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """The PANES of events that nothing answered in time."""
    now = latest(frame)
    if now is None:
        return frame.clear()
    waits = _waits(correlation, frame)
    return waits.filter(pl.col("due") < now).select(frame.columns)


def pending(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """`group` and `due` (microseconds): when the group's next unanswered event is one."""
    now = latest(frame)
    waits = _waits(correlation, frame)
    still = waits if now is None else waits.filter(pl.col("due") >= now)
    return still.group_by("group").agg(pl.col("due").min())


def _waits(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """The PANES of events without an answer, with `due`: when it is certain that none will come."""
    alone, span = len(correlation.rules) == 1, correlation.timespan * MICROS
    step, bits = resolution(correlation) * MICROS, 1 << MAX_RULES
    own = frame.filter(~_MARK).with_columns(
        time=pl.col("tick") * step + pl.col("value").floordiv(bits), mask=pl.col("value").mod(bits)
    )
    first = pl.col("mask").mod(2) == 1
    answers = own if alone else own.filter(pl.col("mask") >= 2)
    times = answers.select("group", "time", pl.col("time").alias("answer")).unique().sort("time")
    return (
        own.filter(first)
        .sort("time")
        .join_asof(
            times,
            on="time",
            by="group",
            strategy="forward",
            allow_exact_matches=not alone,
            check_sortedness=False,
        )
        .filter((pl.col("answer") - pl.col("time") > span).fill_null(value=True))
        .with_columns(due=pl.col("time") + span + correlation.window.lateness * MICROS)
        .drop("time", "mask", "answer")
    )


def awaiting(correlation: Correlation, panes: pl.DataFrame, horizons: pl.DataFrame) -> pl.DataFrame:
    """The panes that an event at the horizon or later could still matter to: it may answer one before it.

    Args:
        correlation: an `absence`.
        panes: all of them.
        horizons: `group` and `horizon` (tick).
    """
    span = span_ticks(correlation)
    horizons = horizons.with_columns(horizon=pl.col("horizon") - span - 1)
    kept = settle(correlation, unanswered(correlation, panes), horizons)
    since = horizons.join(kept.group_by("group").agg(pl.col("since").first()), on="group", how="left")
    since = since.select("group", since=pl.col("since").fill_null(pl.col("horizon")))
    own = (
        panes.filter(~_MARK)
        .join(since, on="group", maintain_order="left")
        .filter(pl.col("tick") > pl.col("since") - span)
        .with_columns(settled=pl.col("settled") | (pl.col("tick") < pl.col("since")))
    )
    marks = panes.filter(_MARK).filter(pl.col("last") == pl.col("last").max().over("partition", "value"))
    return pl.concat([marks, own.select(panes.columns)])
