"""Windows beside a stream say what windows over the archive say, whatever was let go, saved or restored."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine import history
from monitor.engine.panes import from_segment
from monitor.model import Turn, Violation
from monitor.pipeline.correlate import SHARD_PANES, ArchiveWindows, Drained, LiveWindows
from monitor.rules.tree import And, Correlation, Not, Ref
from monitor.rules.vocabulary import CORRELATION_TYPES, WINDOW_KINDS
from tests.support import windows as oracle
from tests.support.memory import MemoryStore
from tests.support.windows import KEYRING, MICROS, RULES, Happening, correlation, deltas

LATENESS = 3

WHEN = {
    "temporal": And((Ref(RULES[0]), Not(Ref(RULES[1])))),
    "temporal_ordered": And((Ref(RULES[0]), Ref(RULES[1]), Not(Ref(RULES[2])))),
}
BOUNDS = [(("gte", 2),), (("gt", 2),), (("lt", 2),), (("lte", 1),), (("eq", 2),), (("gte", 1), ("lt", 3))]


def built(
    kind: str,
    bounds: tuple[tuple[str, float], ...],
    span: int,
    step: int,
    window: str,
    hop: int,
    history: int,
) -> Correlation:
    """One of every type and kind; a temporal one with bounds of `eq` asks for its condition instead."""
    when = WHEN.get(kind) if bounds[0][0] == "eq" else None
    return correlation(
        kind,
        () if when else bounds,
        timespan=span,
        resolution=step,
        lateness=LATENESS,
        window=window,
        hop=min(hop, span),
        percentile=66,
        history=history,
        min_history=history // 2,
        when=when,
    )


correlations = st.builds(
    built,
    st.sampled_from(CORRELATION_TYPES),
    st.sampled_from(BOUNDS),
    st.sampled_from([1, 4, 6]),
    st.sampled_from([1, 2]),
    st.sampled_from(["sliding", "sliding", *WINDOW_KINDS]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([0, 5, 12]),
)


@st.composite
def arrivals(draw: st.DrawFn, back: int, wheres: Sequence[str | None] = (None,)) -> list[Happening]:
    """Events as they arrive, none more than `back` seconds older than the newest one before it."""
    newest = draw(st.sampled_from([-20, 0, 1_795_000_000]))
    found = []
    for offset in range(draw(st.integers(1, 25))):
        at = newest + draw(st.one_of(st.integers(-back, 2), st.integers(0, 3), st.sampled_from([9, 30])))
        newest = max(newest, at)
        found.append(
            Happening(
                partition=draw(st.sampled_from("pppq")),
                offset=offset,
                time=at * MICROS,
                who=draw(st.sampled_from(["ada", "ada", "bo"])),
                where=draw(st.sampled_from(wheres)),
                amount=draw(st.sampled_from(["1", "1", "2", "-1", None])),
                whose=draw(st.sampled_from([None, "s1", "s2"])),
                table=draw(st.sampled_from([None, "crm", "hr"])),
                rules=draw(st.sampled_from([RULES[:1], RULES[:1], RULES[:2], RULES[1:2], RULES])),
            )
        )
    return found


def batched(events: Sequence[Happening], sizes: Sequence[int]) -> list[list[Happening]]:
    """Consecutive events of one partition, at most as many as the sizes say in turn."""
    found: list[list[Happening]] = []
    room = 0
    for event in events:
        if not found or found[-1][0].partition != event.partition or len(found[-1]) >= room:
            room = sizes[len(found) % len(sizes)]
            found.append([])
        found[-1].append(event)
    return found


def newest(batch: Sequence[Happening]) -> int:
    return max(event.time or 0 for event in batch)


def write(store: MemoryStore, windows: LiveWindows | ArchiveWindows) -> Drained:
    drained = windows.drain()
    turn = Turn(episodes=drained.episodes, segments=drained.segments, seen=drained.seen)
    windows.wrote(store.write(turn))
    return drained


def late_of(drained: Drained) -> int:
    return sum(late for _, late in drained.late)


def live(
    one: Correlation,
    batches: Sequence[Sequence[Happening]],
    *,
    per_turn: int = 1,
    restarts: frozenset[int] = frozenset(),
    backlog: bool = False,
) -> tuple[list[Violation], int]:
    """What the store holds after the stream, and how many events were late.

    With a `backlog` the source knows what is still to come; without one every batch is the last word.
    """
    store = MemoryStore()
    read = 0

    def behind() -> set[str]:
        return {batch[0].partition for batch in batches[read:]} if backlog else set()

    windows = LiveWindows([one], KEYRING, store)
    late = 0
    for number, batch in enumerate(batches, 1):
        read = number
        windows.take(batch[0].partition, deltas(one, batch), newest(batch), behind())
        if number % per_turn == 0 or number == len(batches):
            late += late_of(write(store, windows))
            if number in restarts:
                windows = LiveWindows([one], KEYRING, store)
    assert windows.finish() == ()
    return list(store.violations()), late


def archived(one: Correlation, batches: Sequence[Sequence[Happening]]) -> list[Violation]:
    store = MemoryStore()
    windows = ArchiveWindows([one], KEYRING, store)
    for batch in batches:
        windows.take(batch[0].partition, deltas(one, batch), newest(batch), ())
    assert late_of(write(store, windows)) == 0
    store.write(Turn(episodes=windows.finish()))
    return list(store.violations())


@given(
    correlations,
    arrivals(LATENESS),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(1, 3),
    st.frozensets(st.integers(1, 30), max_size=6),
    st.sampled_from([1, 2, 5, 64]),
)
@settings(max_examples=400)
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


@given(
    correlations,
    arrivals(LATENESS),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.frozensets(st.integers(1, 30), max_size=6),
    st.sampled_from([1, 2, 64]),
    st.permutations("pq"),
)
@settings(max_examples=400)
def test_partitions_read_one_after_the_other_are_not_late(
    one: Correlation,
    events: list[Happening],
    sizes: list[int],
    restarts: frozenset[int],
    compact_every: int,
    order: list[str],
) -> None:
    #  arrived   p1 q1 p2 p3 q2 p4 q3
    #  read      p1 p2 p3 p4 q1 q2 q3      as a consumer does that catches up
    batches = batched([e for name in order for e in events if e.partition == name], sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = live(one, batches, restarts=restarts, backlog=True)
    assert late == 0
    assert found == archived(one, batches)


def accepted(
    one: Correlation, batches: Sequence[Sequence[Happening]], per_turn: int
) -> tuple[list[Happening], int]:
    """The events that came before every window they fall in was closed for good, and how many did not.

    Windows are closed by the turns before the event's.
    """
    step = oracle.tick_seconds(one)
    span, lateness = -(-one.timespan // step), -(-LATENESS // step)
    reach = 2 * (span + lateness) + 1 if one.type == "absence" else span + lateness
    watermark = horizon = None
    kept: list[Happening] = []
    late = 0
    for start in range(0, len(batches), per_turn):
        turn = [e for batch in batches[start : start + per_turn] for e in batch]
        mine = [e for e in turn if not set(one.rules).isdisjoint(e.rules)]
        counted = [e for e in mine if one.type not in ("value_count", "new_value") or e.amount is not None]
        ticks = {e: (e.time or 0) // (step * MICROS) for e in counted}
        fresh = [e for e in counted if horizon is None or ticks[e] >= horizon]
        kept += fresh
        late += len(counted) - len(fresh)
        newest_tick = newest(turn) // (step * MICROS)
        watermark = newest_tick if watermark is None else max(watermark, newest_tick)
        if fresh or one.type == "absence":
            horizon = watermark - reach
    return kept, late


@given(
    correlations,
    arrivals(25),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.sampled_from([1, 1, 3]),
)
@settings(max_examples=400)
def test_an_event_counts_in_full_or_is_late(
    one: Correlation, events: list[Happening], sizes: list[int], per_turn: int
) -> None:
    batches = batched(events, sizes)
    kept, too_late = accepted(one, batches, per_turn)
    found, late = live(one, batches, per_turn=per_turn)
    assert late == too_late
    assert found == archived(one, batched(kept, sizes))


def test_what_no_event_can_change_is_let_go() -> None:
    store = MemoryStore()
    one = correlation("event_count", [("gte", 2)], lateness=LATENESS)
    windows = LiveWindows([one], KEYRING, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", 10)
        for n in range(100):
            event = Happening("p", n, 10 * n * MICROS, who=f"person {n}")
            windows.take("p", deltas(one, [event]), event.time, ())
            write(store, windows)
    panes = pl.concat(
        [from_segment(s) for s in store.segments(one.header.id, "d", -history.FOREVER, history.FOREVER)]
    )
    assert panes.height == 2
    assert list(store.violations()) == []


def test_where_there_is_no_room_the_groups_with_the_fewest_events_go_and_are_counted() -> None:
    store = MemoryStore()
    one = correlation("event_count", [("gte", 3)], timespan=3600, resolution=1)
    windows = LiveWindows([one], KEYRING, store, most=8)
    happened = [("ada", 3), ("bo", 2), *((f"person {n}", 1) for n in range(20))]
    events = [(who, n) for who, times in happened for n in range(times)]
    forgotten = 0
    for offset, (who, second) in enumerate(events):
        event = Happening("p", offset, second * MICROS, who=who)
        windows.take("p", deltas(one, [event]), event.time, ())
        forgotten += write(store, windows).unwatched
    assert 25 - 8 <= forgotten < 25 - 4
    for offset, who in enumerate(["ada", "bo"]):
        event = Happening("p", 100 + offset, 5 * MICROS, who=who)
        windows.take("p", deltas(one, [event]), event.time, ())
        write(store, windows)
    assert sorted(v.count for v in store.violations()) == [3, 4]


def test_where_there_is_no_room_an_absence_still_knows_how_far_event_time_is() -> None:
    store = MemoryStore()
    one = correlation("absence", [("gte", 1)], timespan=1, resolution=1, lateness=60)
    windows = LiveWindows([one], KEYRING, store, most=8)
    waiting = [Happening("p", n, n * MICROS, who=f"person {n}") for n in range(4)]
    ended = [Happening("p", 4, 70 * MICROS, who="ada", rules=RULES[1:2])]
    for batch in (waiting, ended):
        windows.take("p", deltas(one, batch), newest(batch), ())
        write(store, windows)
    assert [v.count for v in store.violations()] == [1, 1, 1, 1]
    # A partition that nobody read yet holds the watermark back; what was certain is so all the same.
    others = [Happening("p", 5 + n, 71 * MICROS, who=f"other {n}") for n in range(6)]
    again = [Happening("p", 11, 72 * MICROS, who="person 0")]
    forgotten = 0
    for batch in (others, again):
        windows.take("p", deltas(one, batch), newest(batch), {"q"})
        forgotten += write(store, windows).unwatched
    assert forgotten > 0
    assert [v.count for v in store.violations()] == [1, 1, 1, 1]


def test_what_holds_no_event_may_still_end_a_wait() -> None:
    #  p  0 (a) ... 100     read while q holds records, which may be old
    #  q  1, then a record without a time, the last one: nothing is held back any more
    one = correlation("absence", [("gte", 1)], timespan=2, resolution=1, lateness=0)
    store = MemoryStore()
    windows = LiveWindows([one], KEYRING, store)
    nothing = deltas(one, [Happening("q", 1, None, who="bo")])
    waiting = [Happening("p", 0, 0, who="ada")], [Happening("p", 1, 100 * MICROS, who="bo", rules=RULES[1:2])]
    windows.take("q", nothing, MICROS, {"p", "q"})
    for batch in waiting:
        windows.take("p", deltas(one, batch), newest(batch), {"q"})
    write(store, windows)
    assert list(store.violations()) == []
    windows.take("q", nothing, None, ())
    write(store, windows)
    assert [v.count for v in store.violations()] == [1]


def test_a_segment_holds_one_pane_for_all_that_is_alike() -> None:
    one = correlation("event_count", [("gte", 2)])
    windows = LiveWindows([one], KEYRING, MemoryStore())
    windows.take("p", deltas(one, [Happening("p", n, 0, who="ada") for n in range(50)]), 0, ())
    (segment,) = windows.drain().segments
    assert (segment.rows, from_segment(segment)["count"].item()) == (1, 50)


def test_a_changed_rule_leaves_what_its_former_text_found() -> None:
    store = MemoryStore()
    before = correlation("event_count", [("gte", 2)], lateness=LATENESS)
    after = replace(before, header=replace(before.header, digest="changed"))
    found = []
    for offset, one in enumerate([before, before, after, after, before]):
        windows = LiveWindows([one], KEYRING, store)
        event = Happening("p", offset, 20 * (offset // 2) * MICROS, who="ada")
        windows.take("p", deltas(one, [event]), event.time, ())
        write(store, windows)
        found.append([v.digest for v in store.violations()])
    assert found == [[], ["d"], ["d"], ["d", "changed"], ["d", "changed"]]


def test_an_episode_without_end_stays_one() -> None:
    events = [Happening("p", n, n * MICROS, who="ada") for n in range(60)]
    one = correlation("event_count", [("gte", 2)], lateness=0)
    (found,), late = live(one, batched(events, [1]), per_turn=1, restarts=frozenset(range(7, 60, 7)))
    assert (found.start, found.count, found.last, late) == (MICROS, 60, 59 * MICROS, 0)


@given(correlations, arrivals(25), st.integers(1, 4))
@settings(max_examples=30)
def test_an_archive_worked_out_in_shards_is_the_same(
    one: Correlation, events: list[Happening], panes_held: int
) -> None:
    batches = batched(events, [4])
    whole = archived(one, batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.pipeline.correlate.SHARD_PANES", panes_held)
        assert archived(one, batches) == whole
    assert SHARD_PANES > 1000


def test_what_each_correlation_took_is_told() -> None:
    ticks = iter(range(1000))
    one = correlation("event_count", (("gte", 2),), timespan=4, resolution=1, lateness=LATENESS)
    windows = LiveWindows([one], KEYRING, MemoryStore(), lambda: float(next(ticks)))
    event = Happening(partition="p", offset=0, time=MICROS, who="ada", amount=None, whose=None, table=None)
    windows.take("p", deltas(one, [event]), MICROS, ())
    assert windows.drain().spent == ((one.header.id, 1.0),)
