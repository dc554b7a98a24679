"""Judges days: facts in, verdicts out, with the norms of each day kept as long as they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl

from monitor.engine.baseline.facts import Facts
from monitor.engine.baseline.model import Model
from monitor.engine.baseline.norms import DayNorms, HourNorms, day_norms, hour_norms
from monitor.engine.baseline.signals import SIGNALS, VERDICTS, Today, daily, hourly
from monitor.rules.vocabulary import HOURLY_SIGNALS

WEEK = 7


class Judge:
    """Verdicts of days under one model.

    Norms of a day are functions of the facts before it. A judge works each out once and keeps it; where facts
    change, the one who judges on is `changed`, and this one goes on knowing what it knew.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._hours: dict[int, HourNorms] = {}
        self._days: dict[int, DayNorms] = {}

    def changed(self, day: int) -> Judge:
        """A judge without the norms of the days after this one, whose facts are others now."""
        return self._keeping(lambda one: one <= day, lambda one: one <= day)

    def let_go(self, day: int) -> Judge:
        """A judge without the norms that no day from this one on asks for."""
        earliest = day - self._model.drip_days
        return self._keeping(lambda one: one >= day, lambda one: one >= earliest)

    def _keeping(self, hours: Callable[[int], bool], days: Callable[[int], bool]) -> Judge:
        other = Judge(self._model)
        other._hours = {day: norms for day, norms in self._hours.items() if hours(day)}
        other._days = {day: norms for day, norms in self._days.items() if days(day)}
        return other

    def size(self) -> int:
        """Bytes of the norms."""
        frames = [one for norms in self._hours.values() for one in (norms.own, norms.peers)]
        frames += [one for norms in self._days.values() for one in (norms.own, norms.peers)]
        return sum(int(one.estimated_size()) for one in frames)

    def verdicts(
        self,
        facts: Facts,
        days: Collection[int],
        signals: Collection[str],
        everybody: Callable[[], Facts] | None = None,
    ) -> pl.DataFrame:
        """VERDICTS of these days, ordered by day, group, signal, hour.

        Args:
            facts: of whom to judge, of `Model.drip_days` days before the earliest of the days.
            days: since the epoch.
            signals: names of `SIGNALS`.
            everybody: facts of all, of `Model.reach` days before the earliest of the days; asked where norms
                are not known yet. Without it all are judged, and `facts` must go back as far.
        """
        found = [pl.DataFrame(schema=VERDICTS)]
        for day in sorted(days):
            today = self.today(facts, day, signals, everybody or (lambda: facts))
            found += [SIGNALS[name](today, self._model) for name in SIGNALS if name in signals]
        order = pl.col("signal").replace_strict(
            {name: i for i, name in enumerate(SIGNALS)}, return_dtype=pl.Int64
        )
        return pl.concat(found).sort("day", "group", order, "hour")

    def today(
        self, facts: Facts, day: int, signals: Collection[str], everybody: Callable[[], Facts]
    ) -> Today:
        """A day beside its norms, as far as these signals need them."""
        days = daily(facts, self.day_norms(everybody, day), day, self._model)
        days = days.join(self._week(facts, day), on="group", how="left")
        if "drip" in signals:
            days = days.join(self._drips(facts, everybody, day), on="group", how="left")
        hours = pl.DataFrame()
        if not set(HOURLY_SIGNALS).isdisjoint(signals):
            hours = hourly(facts, self.hour_norms(everybody, day), days, day)
        return Today(hours, days)

    def hour_norms(self, everybody: Callable[[], Facts], day: int) -> HourNorms:
        """The hourly norms of a day."""
        if day not in self._hours:
            self._hours[day] = hour_norms(everybody(), day, self._model)
        return self._hours[day]

    def day_norms(self, everybody: Callable[[], Facts], day: int) -> DayNorms:
        """The daily norms of a day."""
        if day not in self._days:
            self._days[day] = day_norms(everybody(), day, self._model)
        return self._days[day]

    def _week(self, facts: Facts, day: int) -> pl.DataFrame:
        """`group`, `week_people`, `week_nights`: sums of the last seven days."""
        return (
            facts.days.filter(pl.col("day").is_between(day - WEEK + 1, day))
            .group_by("group")
            .agg(pl.col("people").sum().alias("week_people"), pl.col("night").sum().alias("week_nights"))
        )

    def _drips(self, facts: Facts, everybody: Callable[[], Facts], day: int) -> pl.DataFrame:
        """`group`, `drip`: the one-sided CUSUM of z (Page, 1954) over the last days on which the group read.

        Looking back a fixed number of days, it is the largest sum of what the latest days lie above the
        slack.
        """
        model = self._model
        share = model.new_weight
        days = [
            daily(facts, self.day_norms(everybody, each), each, model)
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
