"""Merging two parts of a violation is the same in any grouping and any order."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Evidence, Position, merged
from tests.support.turns import event

positions = st.builds(Position, st.sampled_from(["a", "b"]), st.integers(0, 20))
# What describes a violation is a function of its first position, as it is where an event is counted once.
violations = st.builds(
    lambda samples, subjects, count, first, value: event(
        samples=tuple(sorted(samples)),
        subjects=tuple(sorted(subjects)),
        count=count,
        first=first,
        last=first,
        value=value,
        evidence=Evidence("mail", "email", extract=str(min(samples))),
    ),
    st.sets(positions, min_size=1, max_size=10),
    st.sets(st.integers(0, 2**64 - 1), max_size=10),
    st.integers(1, 100),
    st.none() | st.integers(0, 1000),
    st.none() | st.floats(0, 100),
)


@given(violations, violations, violations)
def test_grouping_does_not_matter(one, two, three):
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(violations, violations)
def test_order_does_not_matter(one, two):
    assert merged(one, two) == merged(two, one)
