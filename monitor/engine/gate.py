"""The gate: which records any of the rules could match, by the rarest of each rule's anchors.

Anchors are all sound, so which one is asked changes how many records are looked at and never a result. What
is rare depends on the traffic: it is seen in a sample of the records, now and then anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from monitor.engine.anchors import Anchor, holds, maybe, scan, spelled
from monitor.engine.plan import RulePlan
from monitor.frames import RAW, ROW, SEARCHED, EventBatch
from monitor.model import Logsource

SAMPLE = 512
"""Records that are asked for every anchor."""

EVERY = 64
"""Batches after which another sample is taken."""


@dataclass(frozen=True, slots=True)
class Passed:
    """ROW (UInt32) of the events that some of the rules could match.

    Attributes:
        rows: all of them.
        searched: those that could match a rule that looks for something wherever it stands in a record.
    """

    rows: pl.Series
    searched: pl.Series


@dataclass(frozen=True, slots=True)
class _Choice:
    """The anchors asked of the rules that search whole records, and of the others.

    `scan` is a regex of both, see `monitor.engine.anchors.scan`.
    """

    searching: Anchor
    others: Anchor
    scan: str | None

    def passed(self, events: pl.DataFrame) -> Passed:
        """What holds them, of a frame with ROW and RAW."""
        raw = pl.col(RAW)
        if self.scan is None:
            searched = events.filter(holds(self.searching, raw, whole=True))[ROW]
            named = events.filter(~pl.col(ROW).is_in(searched.implode()) & holds(self.others, raw))[ROW]
            return Passed(pl.concat([searched, named]), searched)
        told, rest = _parted(events.filter(raw.str.contains(self.scan)), spelled(self.searching, raw))
        # What the automaton saw in the rest is a needle of the others, or something like an address.
        unsure, sure = _parted(rest, maybe(self.searching | self.others, raw))
        found, unsure = _parted(unsure, holds((self.searching | self.others).without_needles(), raw))
        whole = pl.concat([told, found])[ROW]
        others = pl.concat([sure, unsure.filter(spelled(self.others, raw))])[ROW]
        return Passed(pl.concat([whole, others]), whole)


def _parted(events: pl.DataFrame, holds: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those for which it holds, and the others."""
    mask = events.select(ROW, holds.alias(SEARCHED))[SEARCHED]
    return events.filter(mask), events.filter(~mask)


class Gate:
    """Remembers, per logsource, the anchors that are rare; safe to use from several threads."""

    def __init__(self) -> None:
        self._rare: dict[Logsource, tuple[int, _Choice]] = {}

    def passed(self, rules: Sequence[RulePlan], batch: EventBatch) -> Passed:
        """The events that some of the rules, which all have anchors, could match."""
        if not rules:
            none = batch.frame[ROW].clear()
            return Passed(none, none)
        seen, choice = self._rare.get(batch.logsource, (0, None))
        if choice is None or seen % EVERY == 0:
            choice = _chosen(rules, batch.frame[RAW])
        self._rare[batch.logsource] = seen + 1, choice
        return choice.passed(batch.frame.select(ROW, RAW))


def _chosen(rules: Sequence[RulePlan], raw: pl.Series) -> _Choice:
    asked = list(zip(rules, rarest(rules, raw), strict=True))
    searching = reduce(or_, (anchor for rule, anchor in asked if searches(rule)), Anchor())
    others = reduce(or_, (anchor for rule, anchor in asked if not searches(rule)), Anchor())
    return _Choice(searching, others, scan(searching | others))


def searches(rule: RulePlan) -> bool:
    """Whether the rule looks for something wherever it stands in a record."""
    return any(not atom.named for atom in rule.atoms)


def rarest(rules: Sequence[RulePlan], raw: pl.Series) -> list[Anchor]:
    """For each rule the anchor of it that fewest records of a sample hold."""
    sample = raw.gather_every(max(1, raw.len() // SAMPLE)).to_frame(RAW)
    every = list(dict.fromkeys(anchor for rule in rules for anchor in rule.anchors))
    asked = sample.select(holds(anchor, pl.col(RAW)).sum().alias(str(i)) for i, anchor in enumerate(every))
    counted = dict(zip(every, asked.row(0), strict=True))
    return [min(rule.anchors, key=lambda a: (counted[a], _slow(a), -a.score)) for rule in rules]


def _slow(anchor: Anchor) -> bool:
    """Whether it may begin anywhere in a text rather than at a quote or dot."""
    return not all(needle[0] in '".' for needle in anchor.needles)
