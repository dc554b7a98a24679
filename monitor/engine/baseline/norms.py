"""Norms of a day: what each group did at each hour in the weeks before it, and what its peers did.

The norm of a day knows nothing of the day itself nor of what follows, so it can be worked out when the day
begins. Counts are compared as x = ln(1 + people). The centre is the median, the scale 1.4826 times the
median absolute deviation (which is the standard deviation where x is normal), never less than a floor. What
lies above the alert bound is cut there before the largest value and the peers' quantiles are taken: an
attack does not train the model.

Sources: Hampel, The influence curve and its role in robust estimation, 1974 (median and MAD); Vallis et
al., A novel technique for long-term anomaly detection in the cloud, 2014 (season first, then median and MAD).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from monitor.engine.baseline.facts import HOURS_A_DAY, Facts
from monitor.engine.baseline.model import Model

MAD_TO_SIGMA = 1.4826

WEEKEND = 5
"""Weekdays from this one on (Monday is 0) are the weekend's class."""

PEER_HOURS, PEER_DAYS, OFF_HOURS = 0.999, 0.95, 0.99
"""Quantiles of peers' hours, peers' days, and everybody's weeks of off-hours."""

EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True)
class HourNorms:
    """What is normal at each hour of one day; columns are x, see above.

    Attributes:
        own: `group`, `hour`, `centre`, `scale`, `top` (the largest x, cut), for every hour of every known
            group.
        peers: `peer`, `hour`, `peer_centre`, `peer_scale`, `peer_top` (quantile .999).
    """

    own: pl.DataFrame
    peers: pl.DataFrame


@dataclass(frozen=True, slots=True)
class DayNorms:
    """What is normal on one day as a whole.

    Attributes:
        own: `group`, `centre`, `scale`, `top` of the day's x, `new_centre`, `new_scale` of that of new
            people, `new_share` (new people among all), `nights` (quantile .99 of the people read in
            off-hours in seven days), `since` (the first day of the history with reads).
        peers: `peer`, `peer_day` (quantile .95 of the day's x), `peer_nights` (.99).
    """

    own: pl.DataFrame
    peers: pl.DataFrame


def weekend(day: pl.Expr) -> pl.Expr:
    """Whether a day since the epoch is of the weekend's class."""
    return (day + EPOCH_WEEKDAY).mod(7) >= WEEKEND


def robust(column: str, prefix: str, floor: float) -> list[pl.Expr]:
    """Centre and scale of a column."""
    x = pl.col(column)
    centre = x.median()
    return [
        centre.alias(f"{prefix}centre"),
        pl.max_horizontal(MAD_TO_SIGMA * (x - centre).abs().median(), pl.lit(floor)).alias(f"{prefix}scale"),
    ]


def log(people: pl.Expr) -> pl.Expr:
    """The x of a count of people."""
    return people.cast(pl.Float64).log1p()


def hour_norms(facts: Facts, day: int, model: Model) -> HourNorms:
    """The hourly norms of a day from the facts of the days before it."""
    hours = _hour_pool(facts.hours, _same_class(_before(facts, day, model), day, model), day)
    by = ["group", "hour"]
    own = hours.group_by(by).agg(*robust("x", "", model.floor))
    cut = _cut(hours, own, model, by)
    peers = (
        cut.filter(pl.col("peer") != "")
        .group_by("peer", "hour")
        .agg(
            *robust("x", "peer_", model.floor),
            pl.col("x").quantile(PEER_HOURS, "higher").alias("peer_top"),
        )
    )
    return HourNorms(own.join(_top(cut, by), on=by).sort(by), peers.sort("peer", "hour"))


def day_norms(facts: Facts, day: int, model: Model) -> DayNorms:
    """The daily norms of a day from the facts of the days before it."""
    before = _before(facts, day, model)
    people = _same_class(before, day, model).select(
        "group",
        "peer",
        log(pl.col("people")).alias("x"),
        log(pl.col("new")).alias("new"),
        pl.col("people").alias("all"),
        pl.col("new").alias("fresh"),
    )
    own = people.group_by("group").agg(
        *robust("x", "", model.floor),
        *robust("new", "new_", model.floor),
        (pl.col("fresh").sum() / pl.col("all").sum()).alias("new_share"),
    )
    cut = _cut(people, own, model, ["group"])
    nights = _nights(before, day, model)
    since = before.group_by("group").agg(pl.col("day").min().alias("since"))
    for frame in (_top(cut, ["group"]), _quantile(nights, "group", "nights", "nights", OFF_HOURS), since):
        own = own.join(frame, on="group")
    peers = _quantile(cut, "peer", "x", "peer_day", PEER_DAYS).join(
        _quantile(nights, "peer", "nights", "peer_nights", OFF_HOURS), on="peer"
    )
    return DayNorms(own.sort("group"), peers.filter(pl.col("peer") != "").sort("peer"))


def _before(facts: Facts, day: int, model: Model) -> pl.DataFrame:
    return facts.days.filter(pl.col("day").is_between(day - model.history, day - 1))


def _top(cut: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return cut.group_by(by).agg(pl.col("x").max().alias("top"))


def _quantile(frame: pl.DataFrame, by: str, column: str, name: str, share: float) -> pl.DataFrame:
    return frame.group_by(by).agg(pl.col(column).quantile(share, "higher").alias(name))


def _same_class(before: pl.DataFrame, day: int, model: Model) -> pl.DataFrame:
    """Days of the same class; of groups with too few of them every day."""
    wanted = (day + EPOCH_WEEKDAY) % 7 >= WEEKEND
    like = weekend(pl.col("day")) == wanted
    return before.filter(like | (like.sum().over("group") < model.enough))


def _hour_pool(hours: pl.DataFrame, pool: pl.DataFrame, day: int) -> pl.DataFrame:
    """For each hour of the day, that hour and its neighbours on the days of the pool.

    Columns are `group`, `hour`, `peer`, `x`. An hour without reads counts as 0 on a day on which the group
    read at all. The last hour of the day before has one neighbour less: the other is of the day itself.
    """
    clock = pl.DataFrame(
        [(hour, hour + near) for hour in range(HOURS_A_DAY) for near in (-1, 0, 1)],
        schema={"hour": pl.Int64, "at": pl.Int64},
        orient="row",
    )
    seen = hours.select(
        "group", (pl.col("day") * HOURS_A_DAY + pl.col("hour")).alias("at"), log(pl.col("people")).alias("x")
    )
    return (
        pool.select("group", "day", "peer")
        .join(clock, how="cross")
        .with_columns(at=pl.col("day") * HOURS_A_DAY + pl.col("at"))
        .filter(pl.col("at") < day * HOURS_A_DAY)
        .join(seen, on=["group", "at"], how="left")
        .select("group", "hour", "peer", pl.col("x").fill_null(0.0))
    )


def _cut(pool: pl.DataFrame, own: pl.DataFrame, model: Model, by: list[str]) -> pl.DataFrame:
    """The pool, cut at each group's alert bound."""
    bound = pl.col("centre") + model.bound * pl.col("scale")
    return (
        pool.join(own.select(*by, "centre", "scale"), on=by)
        .with_columns(x=pl.min_horizontal("x", bound))
        .drop("centre", "scale")
    )


def _nights(before: pl.DataFrame, day: int, model: Model) -> pl.DataFrame:
    """`group`, `peer`, `nights`: people read in off-hours in the seven days up to each day of the history.

    The last week is left out: what goes on for some nights must not be its own norm.
    """
    days = pl.DataFrame({"at": range(day - model.history + 6, day - 6)}, schema={"at": pl.Int64})
    some = before.filter(pl.col("night") > 0).select("group", "day", "night")
    week = (
        some.join(days, how="cross")
        .filter(pl.col("day").is_between(pl.col("at") - 6, pl.col("at")))
        .group_by("group", "at")
        .agg(pl.col("night").sum().alias("nights"))
    )
    who = before.group_by("group").agg(pl.col("peer").last())
    return (
        who.join(days, how="cross")
        .join(week, on=["group", "at"], how="left")
        .select("group", "peer", pl.col("nights").fill_null(0))
    )
