"""Merging is the same in any grouping and any order."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Evidence, Position
from monitor.store.merge import merge
from tests.support.turns import event

positions = st.builds(Position, st.sampled_from(["a", "b"]), st.integers(0, 20))
violations = st.builds(
    lambda samples, subjects, count, first, value, word: event(
        samples=tuple(sorted(samples)),
        subjects=tuple(sorted(subjects)),
        count=count,
        first=first,
        last=first,
        value=value,
        evidence=Evidence(word, "email"),
    ),
    st.sets(positions, max_size=10),
    st.sets(st.integers(0, 2**64 - 1), max_size=10),
    st.integers(1, 100),
    st.none() | st.integers(0, 1000),
    st.none() | st.floats(0, 100),
    st.sampled_from(["x", "y", "z"]),
)


@given(violations, violations, violations)
def test_grouping_does_not_matter(one, two, three):
    assert merge([merge([one, two]), three]) == merge([one, merge([two, three])]) == merge([one, two, three])


@given(st.lists(violations, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_does_not_matter(said, seed):
    shuffled = list(said)
    seed.shuffle(shuffled)
    assert merge(shuffled) == merge(said)


@given(violations)
def test_one_alone_stays_as_it_is(one):
    assert merge([one]) is one
