"""Correlations over correlations against plain loops: an inner violation is one event, at its start."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rules.tree import Correlation
from tests.engine.test_windows import batches, engine, happenings, said
from tests.support import windows as oracle
from tests.support.chains import chains
from tests.support.windows import Happening


@given(chains(), happenings())
@settings(max_examples=40)
def test_the_engine_says_what_the_loops_say(one: Correlation, events: list[Happening]) -> None:
    expected = oracle.episodes(one, events)
    assert said(one, engine(one, batches(events, [])), expected) == expected


@given(chains(), happenings(), st.data())
@settings(max_examples=15)
def test_no_result_depends_on_order_batches_or_partitions(
    one: Correlation, events: list[Happening], data: st.DataObject
) -> None:
    shuffled: Sequence[Happening] = data.draw(st.permutations(events))
    sizes = data.draw(st.lists(st.integers(1, 5), max_size=6))
    assert engine(one, batches(shuffled, sizes)) == engine(one, batches(events, []))
    moved = [replace(e, partition=data.draw(st.sampled_from("pqr"))) for e in events]
    found = [replace(v, samples=()) for v in engine(one, batches(moved, []))]
    assert found == [replace(v, samples=()) for v in engine(one, batches(events, []))]
