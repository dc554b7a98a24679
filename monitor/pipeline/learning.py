"""Learning: habits of an archive go into the store as something known, without anything being judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Protocol

import polars as pl

from monitor.engine.baseline.habits import HABITS, LEARNED
from monitor.engine.keys import Keyring
from monitor.frames import RecordBatch
from monitor.model import Checkpoint, Claim, Episodes
from monitor.pipeline.correlate import ArchiveWindows, Drained
from monitor.ports import Source, Store
from monitor.rules.header import combined
from monitor.rules.tree import Correlation, RuleSet


def baselines(ruleset: RuleSet) -> tuple[Correlation, ...]:
    """The correlations with a baseline."""
    return tuple(one for one in ruleset.correlations if one.baseline is not None)


def of_baselines(ruleset: RuleSet) -> RuleSet:
    """The rule set that habits are made by: baselines, and the rules they count, which report nothing.

    Its digest covers what is counted and nothing else, so an archive is not learned anew for other words.
    """
    kept = baselines(ruleset)
    counted = {rule for one in kept for rule in one.events}
    return RuleSet(
        rules=tuple(replace(r, reported=False) for r in ruleset.rules if r.header.id in counted),
        correlations=kept,
        filters=(),
        digest=combined("", sorted(one.baseline.habit for one in kept if one.baseline is not None)),
    )


class LearningWindows(ArchiveWindows):
    """The state of an archive, and no word of what is in it.

    What is kept first of a partition takes the place of all that was learned of it before: a daemon beside
    this may hold it still, although the store has forgotten it.

    Args:
        correlations: the rules.
        keyring: names groups.
        store: holds the state.
        begun: partitions of which something is learned already that stays.
    """

    def __init__(
        self,
        correlations: Iterable[Correlation],
        keyring: Keyring,
        store: Store,
        begun: Collection[str] = frozenset(),
    ) -> None:
        super().__init__(correlations, keyring, store)
        self._begun = set(begun)
        self._fresh: set[str] = set()

    def take(
        self, partition: str, deltas: Sequence[pl.DataFrame], newest: int | None, behind: Collection[str]
    ) -> None:
        """Keep the batch's habits."""
        if partition not in self._begun:
            self._fresh.add(partition)
        super().take(partition, deltas, newest, behind)

    def drain(self) -> Drained:
        """The habits since the last drain as segments."""
        fresh, self._fresh = self._fresh, set()
        self._begun |= fresh
        for index, partition in product(range(len(self._correlations)), sorted(fresh)):
            self._deltas.setdefault((index, partition), [pl.DataFrame(schema=HABITS)])
        drained = super().drain()
        return Drained(segments=tuple(replace(s, replaces=s.partition in fresh) for s in drained.segments))

    def finish(self) -> tuple[Episodes, ...]:
        """Nothing."""
        return ()


class Archive(Source, Protocol):
    """A source of files."""

    @property
    def partitions(self) -> tuple[str, ...]:
        """Those found by `start`."""
        ...


class Learned:
    """An archive whose partitions are called learned; a replay of the same files does not meet them.

    Args:
        archive: made with `claiming(claim)`.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @staticmethod
    def claiming(claim: Callable[[str], Claim]) -> Callable[[str], Claim]:
        """What the archive takes a file with."""
        return lambda partition: claim(LEARNED + partition)

    @property
    def partitions(self) -> tuple[str, ...]:
        """Those found by `start`."""
        return tuple(LEARNED + partition for partition in self._archive.partitions)

    @property
    def exhausted(self) -> bool:
        """As of the archive."""
        return self._archive.exhausted

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Go on where this archive was learned up to."""
        self._archive.start(_own(checkpoints))

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next records."""
        batch = self._archive.poll(timeout)
        if batch is None:
            return None
        name = LEARNED + batch.partition
        rejects = tuple(replace(one, partition=name) for one in batch.rejects)
        return replace(batch, partition=name, rejects=rejects)

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """As of the archive."""
        return self._archive.checkpoint(replace(batch, partition=_plain(batch.partition)), plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Nothing: the store's positions are the only ones."""

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Find the files anew."""
        self._archive.rewind(_own(checkpoints))

    def close(self) -> None:
        """Let go of the archive."""
        self._archive.close()


def _plain(partition: str) -> str:
    return partition.removeprefix(LEARNED)


def _own(checkpoints: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
    return {_plain(name): one for name, one in checkpoints.items() if name.startswith(LEARNED)}
