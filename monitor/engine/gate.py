"""The gate: which records any of the rules could match, by the rarest of each rule's anchors.

Anchors are all sound, so which one is asked changes how many records are looked at and never a result. What
is rare depends on the traffic: it is seen in a sample of the records, now and then anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from monitor.engine.anchors import Anchor, holds
from monitor.engine.plan import RulePlan
from monitor.frames import RAW, ROW, EventBatch
from monitor.model import Logsource

SAMPLE = 512
"""Records that are asked for every anchor."""

EVERY = 64
"""Batches after which another sample is taken."""


class Gate:
    """Remembers, per logsource, the anchors that are rare; safe to use from several threads."""

    def __init__(self) -> None:
        self._rare: dict[Logsource, tuple[int, Anchor]] = {}

    def rows(self, rules: Sequence[RulePlan], batch: EventBatch) -> pl.Series:
        """ROW of the events that some of the rules, which all have anchors, could match."""
        if not rules:
            return batch.frame[ROW].clear()
        seen, anchor = self._rare.get(batch.logsource, (0, None))
        if anchor is None or seen % EVERY == 0:
            anchor = rarest(rules, batch.frame[RAW])
        self._rare[batch.logsource] = seen + 1, anchor
        return batch.frame.filter(holds(anchor, pl.col(RAW)))[ROW]


def rarest(rules: Sequence[RulePlan], raw: pl.Series) -> Anchor:
    """The anchors that fewest records of a sample hold, one of each rule, joined."""
    sample = raw.gather_every(max(1, raw.len() // SAMPLE)).to_frame(RAW)
    every = list(dict.fromkeys(anchor for rule in rules for anchor in rule.anchors))
    asked = sample.select(holds(anchor, pl.col(RAW)).sum().alias(str(i)) for i, anchor in enumerate(every))
    counted = dict(zip(every, asked.row(0), strict=True))
    return reduce(or_, (min(rule.anchors, key=lambda a: (counted[a], _slow(a), -a.score)) for rule in rules))


def _slow(anchor: Anchor) -> bool:
    """Whether it may begin anywhere in a text rather than at a quote or dot."""
    return not all(needle[0] in '".' for needle in anchor.needles)
