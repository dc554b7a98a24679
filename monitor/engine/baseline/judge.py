"""Judges days: facts in, verdicts out, with the norms of each day kept as long as they hold."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from monitor.engine.baseline.facts import Facts
from monitor.engine.baseline.model import Model
from monitor.engine.baseline.norms import DayNorms, HourNorms, day_norms, hour_norms
from monitor.engine.baseline.signals import SIGNALS, VERDICTS, Today, daily, hourly
from monitor.rules.vocabulary import HOURLY_SIGNALS

WEEK = 7


class Judge:
    """Verdicts of days under one model.

    Norms of a day are functions of the facts before it. They are kept until told that one of those changed.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._hours: dict[int, HourNorms] = {}
        self._days: dict[int, DayNorms] = {}

    def changed(self, day: int) -> None:
        """Facts of that day are others now: norms of later days have to be worked out again."""
        for kept in (self._hours, self._days):
            for later in [one for one in kept if one > day]:
                del kept[later]

    def let_go(self, day: int) -> None:
        """Forget the norms of days before this one."""
        for kept in (self._hours, self._days):
            for earlier in [one for one in kept if one < day]:
                del kept[earlier]

    def verdicts(
        self, facts: Facts, days: Collection[int], signals: Collection[str], groups: pl.Series | None = None
    ) -> pl.DataFrame:
        """VERDICTS of these days, ordered by day, group, signal, hour.

        Args:
            facts: of everybody, of `Model.reach` days before the earliest of the days.
            days: since the epoch.
            signals: names of `SIGNALS`.
            groups: whom to judge; everybody else is only a peer.
        """
        found = [pl.DataFrame(schema=VERDICTS)]
        for day in sorted(days):
            today = self.today(facts, day, signals, groups)
            found += [SIGNALS[name](today, self._model) for name in SIGNALS if name in signals]
        order = pl.col("signal").replace_strict(
            {name: i for i, name in enumerate(SIGNALS)}, return_dtype=pl.Int64
        )
        return pl.concat(found).sort("day", "group", order, "hour")

    def today(
        self, facts: Facts, day: int, signals: Collection[str], groups: pl.Series | None = None
    ) -> Today:
        """A day beside its norms, as far as these signals need them."""
        asked = Facts(_of(facts.hours, groups), _of(facts.days, groups))
        days = daily(asked, self.day_norms(facts, day), day, self._model)
        days = days.join(self._week(asked, day), on="group", how="left")
        if "drip" in signals:
            days = days.join(self._drips(facts, asked, day), on="group", how="left")
        hours = pl.DataFrame()
        if not set(HOURLY_SIGNALS).isdisjoint(signals):
            hours = hourly(asked, self.hour_norms(facts, day), days, day)
        return Today(hours, days)

    def hour_norms(self, facts: Facts, day: int) -> HourNorms:
        """The hourly norms of a day."""
        if day not in self._hours:
            self._hours[day] = hour_norms(facts, day, self._model)
        return self._hours[day]

    def day_norms(self, facts: Facts, day: int) -> DayNorms:
        """The daily norms of a day."""
        if day not in self._days:
            self._days[day] = day_norms(facts, day, self._model)
        return self._days[day]

    def _week(self, facts: Facts, day: int) -> pl.DataFrame:
        """`group`, `week_people`, `week_nights`: sums of the last seven days."""
        return (
            facts.days.filter(pl.col("day").is_between(day - WEEK + 1, day))
            .group_by("group")
            .agg(pl.col("people").sum().alias("week_people"), pl.col("night").sum().alias("week_nights"))
        )

    def _drips(self, facts: Facts, asked: Facts, day: int) -> pl.DataFrame:
        """`group`, `drip`: the one-sided CUSUM of z (Page, 1954) over the last days on which the group read.

        Looking back a fixed number of days, it is the largest sum of what the latest days lie above the
        slack.
        """
        model = self._model
        share = model.new_weight
        days = [
            daily(asked, self.day_norms(facts, each), each, model)
            for each in range(day - model.drip_days + 1, day + 1)
        ]
        mixed = share * pl.col("new_z") + (1 - share) * pl.col("z")
        gain = (mixed.clip(-model.clip, model.clip) - model.slack).fill_null(0.0)
        return (
            pl.concat(days)
            .filter(pl.col("grown"))
            .select("group", "day", gain.alias("gain"))
            .sort("group", "day", descending=[False, True])
            .group_by("group", maintain_order=True)
            .agg(pl.col("gain").cum_sum().max().alias("drip"))
        )


def _of(frame: pl.DataFrame, groups: pl.Series | None) -> pl.DataFrame:
    if groups is None:
        return frame
    return frame.join(groups.to_frame("group"), on="group", how="semi", maintain_order="left")
