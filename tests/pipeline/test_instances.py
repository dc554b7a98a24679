"""Several instances over one store: whoever reads which partition, windows say what an archive says."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine import history
from monitor.errors import OutpacedError
from monitor.model import Turn, Violation
from monitor.pipeline.correlate import LiveWindows
from monitor.rules.tree import Correlation
from tests.pipeline.test_correlate import (
    LATENESS,
    archived,
    arrivals,
    batched,
    correlations,
    late_of,
    newest,
)
from tests.support.memory import MemoryStore
from tests.support.windows import KEYRING, MICROS, Happening, correlation, deltas


class Instance:
    """The windows of one process, its store, and its turn."""

    def __init__(self, one: Correlation, store: MemoryStore) -> None:
        self.correlation = one
        self.store = store
        self.windows = LiveWindows([one], KEYRING, store)
        self.outpaced = self.late = 0

    def take(self, batch: Sequence[Happening]) -> None:
        self.windows.take(batch[0].partition, deltas(self.correlation, batch), newest(batch), ())

    def write(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """The turn; `meanwhile` is what happens between its being worked out and its being written."""
        while True:
            drained = self.windows.drain()
            meanwhile()
            turn = Turn(episodes=drained.episodes, segments=drained.segments, seen=drained.seen)
            try:
                self.windows.wrote(self.store.write(turn))
            except OutpacedError:
                self.outpaced += 1
            else:
                self.late += late_of(drained)
                return

    def restart(self) -> None:
        """Only between turns: what a turn had taken would be read again."""
        self.windows = LiveWindows([self.correlation], KEYRING, self.store)


def together(
    one: Correlation,
    batches: Sequence[Sequence[Happening]],
    steps: Sequence[tuple[bool, bool, bool, bool]],
) -> tuple[list[Violation], int]:
    """What the store holds after two instances shared the batches, and how many events were late.

    Each batch goes with a step: whether partitions swap owners before it, whether its instance writes after
    it, whether the other one is faster then, and whether it starts anew. Who does not write goes on while the
    other one does.
    """
    store = MemoryStore()
    pair = [Instance(one, store), Instance(one, MemoryStore(store))]
    swapped = False
    for number, batch in enumerate(batches):
        swap, write, raced, restart = steps[number % len(steps)]
        if swap:
            # Before a partition moves, what was read of it is written or dropped; here it is written.
            for instance in pair:
                instance.write()
            swapped = not swapped
        mine = (batch[0].partition == "q") != swapped
        instance = pair[mine]
        instance.take(batch)
        if write:
            instance.write(pair[not mine].write if raced else lambda: None)
            if restart:
                instance.restart()
    for instance in pair:
        instance.write()
    return list(store.violations()), sum(instance.late for instance in pair)


steps = st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=8)


@given(
    correlations,
    arrivals(LATENESS),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    steps,
    st.sampled_from([1, 2, 64]),
)
@settings(max_examples=25)
def test_two_instances_that_keep_up_are_the_archive(
    one: Correlation,
    events: list[Happening],
    sizes: list[int],
    does: list[tuple[bool, bool, bool, bool]],
    compact_every: int,
) -> None:
    batches = batched(events, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = together(one, batches, [(swap, True, False, restart) for swap, *_, restart in does])
    assert late == 0
    assert found == archived(one, batches)


@given(
    correlations,
    arrivals(25),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    steps,
    st.sampled_from([1, 2, 64]),
)
@settings(max_examples=25)
def test_two_instances_whose_turns_overlap_are_the_archive(
    one: Correlation,
    events: list[Happening],
    sizes: list[int],
    does: list[tuple[bool, bool, bool, bool]],
    compact_every: int,
) -> None:
    # Nothing is older than the lateness: who lags behind the other by more has late events.
    one = replace(one, window=replace(one.window, lateness=10_000))
    batches = batched(events, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = together(one, batches, does)
    assert late == 0
    assert found == archived(one, batches)


def test_who_lags_behind_what_the_other_let_go_of_has_late_events_and_says_so() -> None:
    #  p (one)    0 ............................. 9 writes, and lets go of everything before 5
    #  q (other)  0 reads before that, writes after it
    store = MemoryStore()
    rule = correlation("event_count", [("gte", 2)], timespan=1, resolution=1, lateness=3)
    one, other = Instance(rule, store), Instance(rule, MemoryStore(store))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", 1)
        other.take([Happening("q", 0, 0, who="ada")])
        one.take([Happening("p", 0, 0, who="ada")])
        one.take([Happening("p", 1, 9 * MICROS, who="ada")])
        other.write(one.write)
    assert (one.late, other.late, other.outpaced) == (0, 1, 1)
    assert list(store.violations()) == []


def test_who_was_outpaced_counts_what_the_other_saw() -> None:
    #  p (one)    ada ------------- writes second: outpaced, works it out again with q's
    #  q (other)       ada - writes first
    store = MemoryStore()
    rule = correlation("event_count", [("gte", 2)])
    one, other = Instance(rule, store), Instance(rule, MemoryStore(store))
    one.take([Happening("p", 0, 0, who="ada")])
    other.take([Happening("q", 0, MICROS, who="ada")])
    one.write(other.write)
    assert (one.outpaced, other.outpaced) == (1, 0)
    (found,) = store.violations()
    assert found.count == 2
    assert [sample.partition for sample in found.samples] == ["p", "q"]


def test_what_a_turn_lost_is_not_in_the_next() -> None:
    store = MemoryStore()
    rule = correlation("event_count", [("gte", 2)])
    one = Instance(rule, store)
    one.take([Happening("p", 0, 0, who="ada")])
    one.restart()  # the turn was fenced off
    one.take([Happening("p", 0, 0, who="ada")])
    one.write()
    assert list(store.violations()) == []
