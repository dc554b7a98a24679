"""Facts: what each group did in each hour and on each day, counted in people.

Everything here is a function of reads, whatever order or batches they came in. A baseline of events or of a
sum has facts of the same form: what is called people there is what was counted or added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

HOURS_A_DAY = 24

NIGHT = (22, 6)
"""Off-hours: from the first to before the second, on the clock of the rule."""

STEP = 2
"""Numbers of subjects at most so far apart are neighbours."""

READS: dict[str, pl.DataType] = {
    "group": pl.Int64(),
    "hour": pl.Int64(),
    "subject": pl.Int64(),
    "number": pl.Int64(),
    "count": pl.Int64(),
    "peer": pl.String(),
}
"""One row per group, hour and subject, perhaps several: `hour` counts from the Unix epoch, `subject` is a
keyed hash, `number` the digits a subject's name ends in (-1: none), `count` the events, or what they add up
to, `peer` the group's role (empty: none)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Frames of facts.

    Attributes:
        hours: `group`, `day`, `hour` (of the day), `people`, `count`, `steps` (people whose number lies
            next to that of another one read in the hour).
        days: `group`, `day`, `people`, `new` (people whom the group had not read in the memory before),
            `night` (people read in off-hours), `peer`. A day without reads has no row.
    """

    hours: pl.DataFrame
    days: pl.DataFrame


def facts(reads: pl.DataFrame, memory: int, *, sums: bool = False) -> Facts:
    """Facts of READS.

    Args:
        reads: of whom there should be facts.
        memory: days after which a subject is new again.
        sums: whether the counts are added up, in place of subjects; then nothing is new, or all of it.
    """
    day, hour = pl.col("hour").floordiv(HOURS_A_DAY), pl.col("hour").mod(HOURS_A_DAY)
    once = (
        reads.group_by("group", "hour", "subject")
        .agg(pl.col("count").sum(), pl.col("number").max())
        .select("group", day.alias("day"), hour.alias("hour"), "subject", "number", "count")
    )
    peers = reads.group_by("group", day.alias("day")).agg(pl.col("peer").max())
    hours = _summed_hours(once) if sums else _hours(once)
    days = _summed_days(hours) if sums else _days(once, memory)
    return Facts(hours, days.join(peers, on=["group", "day"]).sort("group", "day"))


def _hours(once: pl.DataFrame) -> pl.DataFrame:
    same = ["group", "day", "hour"]
    numbered = once.filter(pl.col("number") >= 0).select(*same, "number").unique().sort(*same, "number")
    # Sorted, so that the row before is the neighbour; windows over a million groups would take a minute.
    near = (pl.col("number") - pl.col("number").shift() <= STEP) & _as_before(*same)
    steps = numbered.filter(near).group_by(same).agg(pl.len().cast(pl.Int64).alias("steps"))
    return (
        once.group_by(same)
        .agg(pl.len().cast(pl.Int64).alias("people"), pl.col("count").sum())
        .join(steps, on=same, how="left")
        .with_columns(pl.col("steps").fill_null(0))
        .sort(same)
    )


def _days(once: pl.DataFrame, memory: int) -> pl.DataFrame:
    night = (pl.col("hour") >= NIGHT[0]) | (pl.col("hour") < NIGHT[1])
    each = (
        once.with_columns(night=night.cast(pl.Int64))
        .group_by("group", "subject", "day")
        .agg(pl.col("night").max())  # sums and largest values are fast, whether any is true is not
        .sort("group", "subject", "day")
    )
    known = ((pl.col("day") - pl.col("day").shift() <= memory) & _as_before("group", "subject")).fill_null(
        value=False
    )
    return (
        each.with_columns(new=(~known).cast(pl.Int64))
        .group_by("group", "day")
        .agg(
            pl.len().cast(pl.Int64).alias("people"),
            pl.col("new").sum(),
            pl.col("night").sum(),
        )
    )


def _summed_hours(once: pl.DataFrame) -> pl.DataFrame:
    same = ["group", "day", "hour"]
    nothing = pl.lit(0, dtype=pl.Int64)
    return (
        once.group_by(same)
        .agg(pl.col("count").sum())
        .filter(pl.col("count") > 0)
        .select(*same, people="count", count="count", steps=nothing)
        .sort(same)
    )


def _summed_days(hours: pl.DataFrame) -> pl.DataFrame:
    people, night = pl.col("people"), (pl.col("hour") >= NIGHT[0]) | (pl.col("hour") < NIGHT[1])
    return hours.group_by("group", "day").agg(
        people.sum(), people.sum().alias("new"), pl.when(night).then(people).otherwise(0).sum().alias("night")
    )


def _as_before(*columns: str) -> pl.Expr:
    """Whether the row before has the same values in these columns."""
    return pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in columns)
