"""Signals: in which ways a day of a group is not normal.

Each signal has a row in `SIGNALS` and one small function over the facts of a day beside its norms. What a
signal is for, and how its figures were found, says docs/baselines.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from monitor.engine.baseline.facts import Facts
from monitor.engine.baseline.model import Model
from monitor.engine.baseline.norms import DayNorms, HourNorms, log

DOUBLE = math.log(2.0)
"""What a group without a history may do more than its peers."""

VERDICTS: dict[str, pl.DataType] = {
    "group": pl.Int64(),
    "day": pl.Int64(),
    "hour": pl.Int64(),
    "signal": pl.String(),
    "seen": pl.Float64(),
    "usual": pl.Float64(),
    "most": pl.Float64(),
    "peers": pl.Float64(),
    "score": pl.Float64(),
}
"""One row per group, day and signal, and hour where the signal speaks of hours (else null). In people:
`seen`, the `usual` (centre), the `most` that is normal for the group, and for its `peers`; `score` is z, of
a drip its CUSUM. Null where a signal does not look at it, or nothing is known."""


@dataclass(frozen=True, slots=True)
class Today:
    """A day beside its norms: one row per group and hour, and one per group.

    Where the group is new (`grown` is false) its peers' norms, doubled, stand in for its own; where there
    are no peers either, `centre` is null and no signal that compares can say anything.
    """

    hours: pl.DataFrame
    days: pl.DataFrame


def daily(facts: Facts, norms: DayNorms, day: int, model: Model) -> pl.DataFrame:
    """The day's groups beside their daily norms, with `x`, `z`, `new_z`, `grown`."""
    return (
        facts.days.filter(pl.col("day") == day)
        .join(norms.own, on="group", how="left")
        .join(norms.peers, on="peer", how="left")
        .with_columns(
            x=log(pl.col("people")),
            grown=(day - pl.col("since") >= model.min_history).fill_null(value=False),
        )
        .with_columns(
            z=(pl.col("x") - pl.col("centre")) / pl.col("scale"),
            new_z=(log(pl.col("new")) - pl.col("new_centre")) / pl.col("new_scale"),
        )
        .sort("group")
    )


def hourly(facts: Facts, norms: HourNorms, days: pl.DataFrame, day: int) -> pl.DataFrame:
    """The day's groups and hours beside their hourly norms, with `x` and `z`; `days` is from `daily`."""
    fresh = ~pl.col("grown")
    return (
        facts.hours.filter(pl.col("day") == day)
        .join(days.select("group", "peer", "grown", pl.col("centre").alias("day_centre")), on="group")
        .join(norms.own, on=["group", "hour"], how="left")
        .join(norms.peers, on=["peer", "hour"], how="left")
        .with_columns(
            x=log(pl.col("people")),
            centre=pl.when(fresh).then(pl.col("peer_centre") + DOUBLE).otherwise("centre"),
            scale=pl.when(fresh).then("peer_scale").otherwise("scale"),
            top=pl.when(fresh).then(pl.col("peer_top") + DOUBLE).otherwise("top"),
        )
        .with_columns(z=(pl.col("x") - pl.col("centre")) / pl.col("scale"))
        .sort("group", "hour")
    )


def _above_peers(most: str, by: float = 0.0) -> pl.Expr:
    """Whether x lies above what peers do; true for who has none."""
    return (pl.col("x") > pl.col(most) + by).fill_null(value=True)


def _unknown(model: Model) -> pl.Expr:
    """Whether nothing is known that a count could be compared with, and the floor decides alone."""
    return pl.lit(value=False) if model.wait else pl.col("centre").is_null()


def _burst(today: Today, model: Model) -> pl.DataFrame:
    """High for the hour; or more in an hour than on a usual day, which no rough hour explains away."""
    people, higher = pl.col("people"), pl.col("x") > pl.col("top") + model.above
    hour = (pl.col("z") >= model.score) & _above_peers("peer_top") & (people >= 2 * model.least)
    day = (
        (people >= model.whole_day * (pl.col("day_centre").exp() - 1))
        & _above_peers("peer_top", -model.near_peers)
        & pl.col("grown")
        & (people >= model.least)
    )
    unknown = _unknown(model) & (people >= model.least)
    return _hour_verdicts(today.hours.filter((higher & (hour | day)) | unknown), "burst")


def _soft(today: Today, model: Model) -> pl.DataFrame:
    x, people, z = pl.col("x"), pl.col("people"), pl.col("z")
    found = (z >= model.soft_score) & (x > pl.col("top")) & _above_peers("peer_top")
    return _hour_verdicts(today.hours.filter(found & (people >= model.soft_least)), "soft")


def _enumeration(today: Today, model: Model) -> pl.DataFrame:
    steps, people = pl.col("steps"), pl.col("people")
    found = today.hours.filter((steps >= model.steps) & (steps >= model.steps_share * people))
    return _hour_verdicts(found.with_columns(people=steps), "enumeration")


def _cap(today: Today, model: Model) -> pl.DataFrame:
    over = pl.lit(value=False) if model.cap is None else pl.col("people") > model.cap
    return _hour_verdicts(today.hours.filter(over), "cap")


def _hour_verdicts(found: pl.DataFrame, signal: str) -> pl.DataFrame:
    return found.select(
        "group",
        "day",
        "hour",
        signal=pl.lit(signal),
        seen=pl.col("people").cast(pl.Float64),
        usual=pl.col("centre").exp() - 1,
        most=pl.col("top").exp() - 1,
        peers=pl.col("peer_top").exp() - 1,
        score=pl.col("z"),
    )


def _day(today: Today, model: Model) -> pl.DataFrame:
    x, people, grown = pl.col("x"), pl.col("people"), pl.col("grown")
    higher = _above_peers("peer_day") | (x > pl.col("top") + model.above)
    own = grown & (pl.col("z") >= model.soft_score) & higher
    # A new group has its peers' days, doubled, in place of its own; without peers the floor decides.
    fresh = (x > pl.col("peer_day") + DOUBLE).fill_null(value=not model.wait)
    found = today.days.filter((own | (~grown & fresh)) & (people >= 2 * model.soft_least))
    usual, score = (pl.when(grown).then(one) for one in (pl.col("centre").exp() - 1, pl.col("z")))
    return _day_verdicts(found, "day", people, usual, score)


def _off_hours(today: Today, model: Model) -> pl.DataFrame:
    week = pl.col("week_nights")
    found = (
        pl.col("grown")
        & (week > model.night_times * pl.col("nights").fill_null(0))
        & (week > model.night_peer_times * pl.col("peer_nights").fill_null(0))
        & (week >= model.night_least)
        & (pl.col("night") > 0)
    )
    none = pl.lit(None, dtype=pl.Float64)
    return _day_verdicts(today.days.filter(found), "off_hours", week, pl.col("nights"), none).with_columns(
        most=none, peers=none
    )


def _drip(today: Today, model: Model) -> pl.DataFrame:
    found = (
        pl.col("grown")
        & (pl.col("drip") >= model.threshold)
        & (pl.col("week_people") >= model.week_least)
        & (pl.col("z") > 0)
    )
    people, usual = pl.col("people"), pl.col("centre").exp() - 1
    return _day_verdicts(today.days.filter(found), "drip", people, usual, pl.col("drip"))


def _novelty(today: Today, model: Model) -> pl.DataFrame:
    new, usual = pl.col("new"), pl.col("new_centre").exp() - 1
    found = (
        pl.col("grown")
        & (new >= model.new_share * pl.col("people"))
        & (new >= model.new_times * usual)
        & (new >= model.new_least)
        & (pl.col("new_share") <= model.new_usual)
    )
    none = pl.lit(None, dtype=pl.Float64)
    return _day_verdicts(today.days.filter(found), "novelty", new, usual, pl.col("new_z")).with_columns(
        most=none, peers=none
    )


def _day_verdicts(
    found: pl.DataFrame, signal: str, seen: pl.Expr, usual: pl.Expr, score: pl.Expr
) -> pl.DataFrame:
    return found.select(
        "group",
        "day",
        hour=pl.lit(None, dtype=pl.Int64),
        signal=pl.lit(signal),
        seen=seen.cast(pl.Float64),
        usual=usual.cast(pl.Float64),
        most=pl.when("grown").then(pl.col("top").exp() - 1),
        peers=pl.col("peer_day").exp() - 1,
        score=score,
    )


SIGNALS: dict[str, Callable[[Today, Model], pl.DataFrame]] = {
    "burst": _burst,
    "off_hours": _off_hours,
    "enumeration": _enumeration,
    "cap": _cap,
    "soft": _soft,
    "day": _day,
    "drip": _drip,
    "novelty": _novelty,
}
"""Every signal, the most telling first."""

TIERS = {
    name: "page" if name in {"burst", "off_hours", "enumeration", "cap"} else "review" for name in SIGNALS
}
"""What each signal is worth: `page` wakes somebody, `review` waits for the week's review."""
