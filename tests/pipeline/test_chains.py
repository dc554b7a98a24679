"""Correlations over correlations beside a stream, by one instance and by two: what the archive says."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine import history
from monitor.rules.tree import Correlation
from tests.pipeline.test_correlate import LATENESS, archived, arrivals, batched, live
from tests.pipeline.test_instances import steps, together
from tests.support.chains import chains
from tests.support.windows import Happening

placed = arrivals(LATENESS, wheres=("x", "x", "y"))
splits = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(
    chains(LATENESS),
    placed,
    splits,
    st.integers(1, 3),
    st.frozensets(st.integers(1, 30), max_size=6),
    st.sampled_from([1, 2, 5, 64]),
)
@settings(max_examples=25)
def test_live_is_archive(
    one: Correlation,
    events: list[Happening],
    sizes: list[int],
    per_turn: int,
    restarts: frozenset[int],
    compact_every: int,
) -> None:
    batches = batched(events, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = live(one, batches, per_turn=per_turn, restarts=restarts)
    assert late == 0
    assert found == archived(one, batches)


@given(chains(LATENESS), placed, splits, steps, st.sampled_from([1, 2, 64]))
@settings(max_examples=15)
def test_two_instances_that_keep_up_are_the_archive(
    one: Correlation,
    events: list[Happening],
    sizes: list[int],
    does: Sequence[tuple[bool, bool, bool, bool]],
    compact_every: int,
) -> None:
    batches = batched(events, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = together(one, batches, [(swap, True, False, restart) for swap, *_, restart in does])
    assert late == 0
    assert found == archived(one, batches)
