"""What was worked out of the habits so far, so that a batch costs by the groups it touches.

Facts and norms are functions of the habits. They are kept from batch to batch, and worked out again only for
what changed: facts of the groups that a batch touched, norms of the days after its first one. Nothing here is
ever changed for others to see, so a history that goes back to a former state finds what was known then.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from monitor.engine.baseline.facts import Facts, facts
from monitor.engine.baseline.judge import Judge
from monitor.engine.baseline.model import Model


class Known:
    """What is known of one state of the habits.

    Args:
        model: the figures.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.judge = Judge(model)
        self._facts: Facts | None = None
        self._stale: pl.DataFrame | None = None

    def after(self, groups: pl.DataFrame, day: int) -> Known:
        """What is still known when these groups (`group`) did something on that day, and perhaps later."""
        other = Known(self._model)
        other.judge = self.judge.changed(day)
        other._facts = self._facts
        other._stale = groups if self._stale is None else pl.concat([self._stale, groups]).unique()
        return other

    def let_go(self, day: int) -> Known:
        """What is known, without what no day from this one on depends on."""
        other = Known(self._model)
        other.judge = self.judge.let_go(day)
        other._stale = self._stale
        if self._facts is not None:
            recent = pl.col("day") >= day - self._model.reach
            other._facts = Facts(self._facts.hours.filter(recent), self._facts.days.filter(recent))
        return other

    def everybody(self, reads: Callable[[pl.DataFrame | None], pl.DataFrame]) -> Facts:
        """Facts of everybody.

        Args:
            reads: READS of these groups (`group`), of all if None; those of the state that this belongs to.
        """
        if self._facts is None:
            self._facts = facts(reads(None), self._model.history, sums=self._model.sums)
        elif self._stale is not None:
            model, stale = self._model, self._stale
            fresh = facts(reads(stale), model.history, sums=model.sums)
            self._facts = Facts(
                pl.concat([self._facts.hours.join(stale, on="group", how="anti"), fresh.hours]),
                pl.concat([self._facts.days.join(stale, on="group", how="anti"), fresh.days]),
            )
        self._stale = None
        return self._facts

    def size(self) -> int:
        """Bytes of it."""
        known = () if self._facts is None else (self._facts.hours, self._facts.days)
        return self.judge.size() + sum(int(frame.estimated_size()) for frame in known)
