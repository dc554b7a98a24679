"""Habits: who read whose records in which hour; the window state of a baseline.

A habit is a pure sum, as a pane is: it does not depend on batches, on the order of events, or on which
process saw what. Whoever a record is about stands in it as a keyed hash, an actor as a pseudonym.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from monitor.engine.baseline.facts import READS
from monitor.engine.counted import COUNT, counted
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.engine.panes import LARGEST, MICROS, hashed, resource_name, shown, to_segment
from monitor.frames import OFFSET, PARTITION, TIME
from monitor.model import Segment
from monitor.rules.baseline import HOUR
from monitor.rules.compile import number_of
from monitor.rules.tree import Baseline, Correlation
from monitor.rules.vocabulary import DISTINCT

HABITS: dict[str, pl.DataType] = {
    "group": pl.Int64(),
    "tick": pl.Int64(),
    "subject": pl.Int64(),
    "partition": pl.String(),
    "number": pl.Int64(),
    "actor": pl.String(),
    "resource": pl.String(),
    "peer": pl.String(),
    "count": pl.Int64(),
    "amount": pl.Int64(),
    "first": pl.Int64(),
    "last": pl.Int64(),
    "sample": pl.Int64(),
}
"""One row per group, hour, subject and partition. `tick` is the hour since the Unix epoch, on the clock of
the rule's zone; `sample` the first offset; `amount` what the events add up to, and where people are counted
how many they are; `first` and `last` are event times in microseconds; the others as in READS. `number` and
`peer` are the greatest, `resource` the first of several."""

LEARNED = "learned:"
"""Partitions that begin so were learned from an archive: what they hold is known and is never judged."""

_IDENTITY = ("group", "tick", "subject", "partition", "actor")

_DIGITS = r"(\d{1,15})\D*$"


def habits(correlation: Correlation, matches: Matches, keyring: Keyring) -> pl.DataFrame:
    """HABITS of one batch, several rows for what happens several times."""
    nothing = pl.DataFrame(schema=HABITS)
    asked = zip(matches.rules, matches.rows, strict=True)
    if not any(len(rows) for plan, rows in asked if plan.rule.header.id in correlation.rules):
        return nothing
    events = counted(correlation, matches)
    if events.is_empty():
        return nothing
    privacy, field = correlation.privacy, correlation.threshold.field
    actor = privacy.actor if privacy.actor in correlation.group_by else ""
    people = correlation.type in DISTINCT
    subject = (field,) if people else (privacy.subject,)
    digits = pl.col(field).str.extract(_DIGITS).cast(pl.Int64, strict=False).fill_null(-1) if people else None
    found = events.select(
        keyring.numbers(f"group {correlation.header.id}", events.select(correlation.group_by)).alias("group"),
        _hour(the_baseline(correlation).zone).alias("tick"),
        hashed(events, subject, "value" if people else "subject", keyring).alias("subject"),
        pl.col(PARTITION).alias("partition"),
        (pl.lit(-1, dtype=pl.Int64) if digits is None else digits).alias("number"),
        shown(events, actor, keyring.pseudonym).alias("actor"),
        shown(events, privacy.resource, resource_name).alias("resource"),
        _peer(the_baseline(correlation)).alias("peer"),
        pl.col(COUNT).alias("count"),
        _amount(correlation).alias("amount"),
        pl.col(TIME).alias("first"),
        pl.col(TIME).alias("last"),
        pl.col(OFFSET).cast(pl.Int64).alias("sample"),
    )
    return found.filter(pl.col("subject") != 0) if people else found


def _peer(baseline: Baseline) -> pl.Expr:
    """Whose peer somebody is at the time of the event; empty: nobody's. Over a frame with TIME."""
    if not baseline.peers:
        return pl.lit("")
    named = pl.col(baseline.peers).fill_null("")
    if baseline.peer_table is None:
        return named
    pairs = baseline.peer_table.pairs
    if pairs is None:
        raise AssertionError("a table of peers was never looked for; load rules by rules/ruleset.py")
    return pl.struct(named.alias("text"), pl.col(TIME)).map_batches(
        lambda both: pairs.at(both.struct.field("text"), both.struct.field(TIME)),
        return_dtype=pl.String(),
        is_elementwise=True,
    )


def _hour(zone: str) -> pl.Expr:
    """The hour since the epoch that a clock in the zone shows; where that is put back one is there twice."""
    if not zone:
        return pl.col(TIME).floordiv(HOUR * MICROS)
    utc = pl.from_epoch(pl.col(TIME), time_unit="us").dt.replace_time_zone("UTC")
    there = utc.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return there.dt.epoch("us").floordiv(HOUR * MICROS)


def _amount(correlation: Correlation) -> pl.Expr:
    """What an event adds: itself, or the number of its field in whole units; nothing where that is none."""
    if correlation.type != "value_sum":
        return pl.col(COUNT)
    number = number_of(pl.col(correlation.threshold.field)).clip(0, LARGEST)
    return number.round().cast(pl.Int64).fill_null(0)


def witnessed() -> pl.Expr:
    """Whether habits were seen rather than learned."""
    return ~pl.col("partition").str.starts_with(LEARNED)


def the_baseline(correlation: Correlation) -> Baseline:
    """The correlation's baseline, which it has."""
    if correlation.baseline is None:
        raise AssertionError("a correlation without a baseline has no habits")
    return correlation.baseline


def compact(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Habits of the same identity as one, sorted."""
    return (
        pl.concat([pl.DataFrame(schema=HABITS), *frames])
        .group_by(_IDENTITY)
        .agg(
            pl.col("number", "peer").max(),
            pl.col("resource").min(),
            pl.col("count", "amount").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.col("sample").min(),
        )
        .select(list(HABITS))
        .sort(_IDENTITY)
    )


def reads(frame: pl.DataFrame) -> pl.DataFrame:
    """READS of HABITS."""
    return frame.drop("count").rename({"tick": "hour", "amount": "count"}).select(list(READS))


def to_habit_segment(
    correlation: Correlation, partition: str, frame: pl.DataFrame, *, replaces: bool = False
) -> Segment:
    """Habits of one partition as the store keeps them, under the digest of what is counted."""
    segment = to_segment(correlation, partition, frame, replaces=replaces)
    return replace(segment, digest=the_baseline(correlation).habit)


def from_habit_segment(segment: Segment) -> pl.DataFrame:
    """The habits of a segment. Those of releases before sums have no `amount`: they counted."""
    found = pl.read_ipc(io.BytesIO(segment.data))
    if "amount" not in found.columns:
        found = found.with_columns(amount=pl.col("count"))
    return found.select(list(HABITS))
