"""Windows against plain loops over the events: any order, any batches, any partitions."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.engine.panes import compact, panes, resolution, schema
from monitor.engine.unanswered import decided
from monitor.engine.windows import episodes, group_name
from monitor.model import Violation
from monitor.rules.tree import Alias, And, Correlation, Not, Or, Ref
from monitor.rules.vocabulary import CORRELATION_TYPES, WINDOW_KINDS
from tests.support import windows as oracle
from tests.support.windows import KEYRING, MICROS, RULES, Happening, correlation, matches

BASES = (-3 * MICROS, 0, 1_795_000_000 * MICROS)
MATCHED = (RULES, RULES[:1], RULES[1:2], RULES[2:], RULES[:2], RULES[:1], RULES[1:])
AMOUNTS = (None, "", "a", "1", "2", "0.1", "0.2", "-0.3", "-1", "1e2", "0.000001", "1000000000.25")


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    """Few groups and values, times in clusters, some events without time, group or value."""
    base = draw(st.sampled_from(BASES))
    partitions = draw(st.sampled_from([("p",), ("p", "q"), ("r", "p", "q")]))
    events = []
    for offset in range(draw(st.integers(1, 24))):
        at = draw(st.one_of(st.integers(-8, 8), st.sampled_from([0, 4, 5, 12, 40])))
        micros = draw(st.sampled_from([0, 0, 1, 999_999]))
        events.append(
            Happening(
                partition=draw(st.sampled_from(partitions)),
                offset=offset,
                time=None if draw(st.integers(0, 15)) == 0 else base + at * MICROS + micros,
                who=draw(st.sampled_from(["ada", "ada", "bo", "", None])),
                where=draw(st.sampled_from(["x", "x", "y", None])),
                amount=draw(st.sampled_from(AMOUNTS)),
                whose=draw(st.sampled_from([None, "s1", "s2", "s3"])),
                table=draw(st.sampled_from([None, "", "crm", "hr", "erp", "pay"])),
                rules=draw(st.sampled_from(MATCHED)),
            )
        )
    return events


bounds = st.one_of(
    st.tuples(
        st.tuples(
            st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"]),
            st.sampled_from([0, 1, 2, 3, 5, 0.3, -0.3]),
        )
    ),
    st.sampled_from([(("gt", 1), ("lte", 3)), (("gte", 0.1), ("lt", 2))]),
)
FIRST, SECOND, THIRD = map(Ref, RULES)
CONDITIONS = {
    "temporal": [
        And((FIRST, SECOND, Not(THIRD))),
        Or((FIRST, And((SECOND, THIRD)))),
        Not(Or((FIRST, SECOND))),
    ],
    "temporal_ordered": [
        And((FIRST, Not(SECOND), THIRD)),
        And((FIRST, SECOND, THIRD)),
        And((SECOND, Not(Or((FIRST, THIRD))))),
    ],
}
PERSON = Alias("person", ((RULES[0], "who"), (RULES[1], "where"), (RULES[2], "who")))


@st.composite
def correlations(draw: st.DrawFn, types: Sequence[str] = CORRELATION_TYPES) -> Correlation:
    """Every type over every kind of window."""
    kind = draw(st.sampled_from(types))
    when = draw(st.sampled_from([None, *CONDITIONS.get(kind, [])]))
    window = draw(st.sampled_from(["sliding", *WINDOW_KINDS]))
    span = draw(st.sampled_from([1, 2, 4, 10]))
    aliased = draw(st.integers(0, 5)) == 0
    return correlation(
        kind,
        () if when else draw(bounds),
        group_by=("person",) if aliased else draw(st.sampled_from([("who",), ("who", "where"), ()])),
        timespan=span,
        resolution=draw(st.sampled_from([None, 1, 3])),
        window=window,
        hop=draw(st.integers(1, span)) if window == "hopping" else None,
        percentile=draw(st.sampled_from([1, 50, 66, 95, 100])),
        history=draw(st.sampled_from([0, 1, 5, 12])),
        min_history=draw(st.sampled_from([0, 2, 4])),
        lateness=draw(st.sampled_from([0, 3])),
        when=when,
        aliases=(PERSON,) if aliased else (),
    )


def batches(events: Sequence[Happening], sizes: Sequence[int]) -> list[list[Happening]]:
    """The events in batches of these sizes, the last one taking the rest; each batch of one partition."""
    found, rest = [], list(events)
    for size in [*sizes, len(rest)]:
        batch, rest = rest[:size], rest[size:]
        for partition in sorted({e.partition for e in batch}):
            found.append([e for e in batch if e.partition == partition])
    return found


def engine(one: Correlation, split: Sequence[Sequence[Happening]]) -> list[Violation]:
    frames = [panes(one, matches(batch).placed(batch[0].partition), KEYRING) for batch in split]
    times = [e.time for batch in split for e in batch if e.time is not None]
    if one.type == "absence" and times:
        frames.append(decided(one, "p", max(times)))
    return list(episodes(one, compact([pl.DataFrame(schema=schema(one)), *frames]), KEYRING))


def said(one: Correlation, violations: Sequence[Violation], expected: Sequence[oracle.Episode]):
    groups = {group_name(one, e.group, KEYRING): e.group for e in expected}
    unknown = {v.group: -1 for v in violations}
    return [oracle.said(one, v, unknown | groups) for v in violations]


@pytest.mark.parametrize("kind", CORRELATION_TYPES)
@given(st.data(), happenings())
@settings(max_examples=40)
def test_the_engine_says_what_the_loops_say(kind: str, data: st.DataObject, events: list[Happening]) -> None:
    one = data.draw(correlations([kind]))
    expected = oracle.episodes(one, events)
    assert said(one, engine(one, batches(events, [])), expected) == expected


@given(correlations(), happenings(), st.data())
@settings(max_examples=50)
def test_no_result_depends_on_order_batches_or_columns(
    one: Correlation, events: list[Happening], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(events))
    sizes = data.draw(st.lists(st.integers(1, 5), max_size=6))
    assert engine(one, batches(shuffled, sizes)) == engine(one, batches(events, []))


@given(correlations(), happenings(), st.data())
@settings(max_examples=50)
def test_only_the_samples_say_which_partition_an_event_was_in(
    one: Correlation, events: list[Happening], data: st.DataObject
) -> None:
    moved = [replace(e, partition=data.draw(st.sampled_from("pqr"))) for e in events]

    def without_samples(some: list[Happening]) -> list[Violation]:
        return [replace(v, samples=()) for v in engine(one, batches(some, []))]

    assert without_samples(moved) == without_samples(events)


@given(
    st.lists(
        st.sampled_from(["0.1", "0.2", "0.7", "-0.1", "1e-6", "123456.789012", "4000000000"]), max_size=40
    )
)
@example(["0.1"] * 10)
@example(["-0.1"])
def test_sums_do_not_drift(amounts: list[str]) -> None:
    events = [Happening("p", n, 0, who="ada", amount=amount) for n, amount in enumerate(["0", *amounts])]
    one = correlation("value_sum", [("gt", -1e18)])
    assert [v.value for v in engine(one, [events])] == [e.seen for e in oracle.episodes(one, events)]


@pytest.mark.parametrize(
    ("timespan", "said_by_rule", "seconds"),
    [(1, None, 1), (3600, None, 1), (3601, None, 60), (86_400, None, 60), (86_401, None, 3600), (5, 2, 2)],
)
def test_the_tick_of_a_window(timespan: int, said_by_rule: int | None, seconds: int) -> None:
    one = correlation("event_count", [("gt", 1)], timespan=timespan, resolution=said_by_rule)
    assert resolution(one) == seconds == oracle.tick_seconds(one)


def test_the_drawing_in_the_docstring() -> None:
    #  ticks     0   1   2   3   4   5   6   7   8
    #  events    2       1   3               4
    #  count     2       3   6               4        timespan 4 ticks, floor 5
    #  episode               [ ]
    at = [0, 0, 2, 3, 3, 3, 7, 7, 7, 7]
    events = [Happening("p", n, tick * MICROS, who="ada") for n, tick in enumerate(at)]
    (found,) = engine(correlation("event_count", [("gte", 5)]), [events])
    assert (found.start, found.count, found.value, found.last) == (3 * MICROS, 6, 6.0, 3 * MICROS)
    assert found.evidence.extract == "6 in 4 s, rule says gte 5"


def test_figures_are_written_out() -> None:
    events = [Happening("p", 0, 0, who="ada", amount="12345678.5")]
    (found,) = engine(correlation("value_sum", [("gte", 5_000_000)]), [events])
    assert found.evidence.extract == "12345678.5 in 4 s, rule says gte 5000000"


@pytest.mark.parametrize("amount", ["1e300", "1e400", "99999999999999999999"])
def test_a_number_beyond_all_counting_is_over_every_floor(amount: str) -> None:
    events = [Happening("p", n, 0, who="ada", amount=amount) for n in range(3)]
    assert len(engine(correlation("value_sum", [("gte", 1e12)]), [events])) == 1
