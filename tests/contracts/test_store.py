"""What every store owes the runner, whichever database is behind it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import FencedError, OutpacedError
from monitor.model import (
    MAX_SAMPLES,
    MAX_SUBJECTS,
    Checkpoint,
    Claim,
    Episodes,
    Evidence,
    FieldSeen,
    Logsource,
    Part,
    Position,
    Reject,
    Segment,
    Sightings,
    SourceSeen,
    Turn,
)
from monitor.ports import Store
from monitor.store import open_store
from tests.support.memory import MemoryStore
from tests.support.turns import NOON, PARTITIONS, episode, event, sightings, turns


class Twin:
    """How to make stores of one implementation; a namespace is a store of its own."""

    def __init__(self, make: Callable[[str], Store]) -> None:
        self._make = make
        self._numbers = count()

    def store(self) -> Store:
        return self._make(f"n{next(self._numbers)}")

    def two(self) -> tuple[Store, Store]:
        """Two instances that share a namespace."""
        namespace = f"n{next(self._numbers)}"
        return self._make(namespace), self._make(namespace)


IMPLEMENTATIONS = ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    if request.param == "memory":
        shared: dict[str, MemoryStore] = {}
        yield Twin(lambda name: MemoryStore(shared.setdefault(name, MemoryStore())))
        return
    place: str | Path = tmp_path_factory.mktemp("store") / "store.db"
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    if server is not None:
        place = server.database()
    opened: list[Store] = []

    def make(namespace: str) -> Store:
        opened.append(open_store(place, namespace))
        return opened[-1]

    yield Twin(make)
    for store in opened:
        store.close()
    if server is not None:
        server.drop(place)


@pytest.fixture
def store(twin: Twin) -> Store:
    return twin.store()


def everything(store: Store) -> dict[str, Any]:
    """All that a store can be asked."""
    return {
        "checkpoints": store.checkpoints(),
        "violations": list(store.violations()),
        "rejects": list(store.rejects()),
        "counts": store.counts(),
        "sightings": tuple(store.sightings()),
        "segments": [
            list(store.segments(rule, text, 0, 1000)) for rule in ("bulk", "other") for text in "de"
        ],
    }


EMPTY = {
    "checkpoints": {},
    "violations": [],
    "rejects": [],
    "counts": {},
    "sightings": (),
    "segments": [[], [], [], []],
}


def parts(*violations, partition: str = "logs-0") -> Turn:
    return Turn(parts=tuple(Part(partition, violation) for violation in violations))


def test_a_new_store_is_empty(store):
    assert everything(store) == EMPTY


def test_an_empty_turn_changes_nothing(store):
    store.write(Turn())
    assert everything(store) == EMPTY


def test_what_is_written_is_read(store):
    violation = event()
    checkpoint = Checkpoint(8, "plan", "head", 99)
    segment = Segment("bulk", "d", "logs-0", 3, 5, 2, b"\x00\xff")
    reject = Reject("logs-0", 7, "json", 12, "{…")
    store.write(
        Turn(
            checkpoints=(("logs-0", checkpoint),),
            parts=(Part("logs-0", violation),),
            segments=(segment,),
            rejects=(reject,),
            reject_counts=(("logs-0", "json", 1),),
            event_counts=(("logs-0", "events", 7),),
        )
    )
    assert everything(store) == {
        "sightings": (),
        "checkpoints": {"logs-0": checkpoint},
        "violations": [violation],
        "rejects": [reject],
        "counts": {("logs-0", "reject", "json"): 1, ("logs-0", "event", "events"): 7},
        "segments": [[segment], [], [], []],
    }


def test_a_checkpoint_moves(store):
    store.write(Turn(checkpoints=(("logs-0", Checkpoint(8, "old")),)))
    store.write(Turn(checkpoints=(("logs-0", Checkpoint(9, "new")), ("logs-1", Checkpoint(1, "new")))))
    assert store.checkpoints() == {"logs-0": Checkpoint(9, "new"), "logs-1": Checkpoint(1, "new")}


def test_parts_of_several_turns_add_up(store):
    early = event(count=2, first=10, last=20, samples=(Position("logs-0", 1),), subjects=(1, 9), value=2.0)
    late = event(count=3, first=None, last=None, samples=(Position("logs-0", 5),), subjects=(4, 9))
    store.write(parts(late))
    store.write(parts(early))
    samples = (Position("logs-0", 1), Position("logs-0", 5))
    whole = replace(early, count=5, samples=samples, subjects=(1, 4, 9), value=2.0)
    assert list(store.violations()) == [whole]


def test_words_and_evidence_come_with_the_smallest_position(store):
    old = event(level="low", digest="d0", evidence=Evidence("a", "email"), samples=(Position("logs-0", 2),))
    new = event(level="high", digest="d1", evidence=Evidence("b", "iban"), samples=(Position("logs-0", 9),))
    store.write(parts(new))
    store.write(parts(old))
    (merged,) = store.violations()
    assert (merged.level, merged.digest, merged.evidence) == ("low", "d0", Evidence("a", "email"))


def test_only_the_smallest_samples_and_subjects_stay(store):
    positions = [Position("logs-0", offset) for offset in range(2 * MAX_SAMPLES)]
    store.write(parts(event(samples=tuple(positions[MAX_SAMPLES:]), subjects=tuple(range(1000, 2000)))))
    store.write(parts(event(samples=tuple(positions[:MAX_SAMPLES]), subjects=tuple(range(500, 1500)))))
    (merged,) = store.violations()
    assert merged.samples == tuple(positions[:MAX_SAMPLES])
    assert merged.subjects == tuple(range(500, 500 + MAX_SUBJECTS))


def test_the_largest_hash_fits(store):
    store.write(parts(event(subjects=(0, 2**64 - 1))))
    assert next(iter(store.violations())).subjects == (0, 2**64 - 1)


def test_two_parts_of_one_partition_in_one_turn_add_up(store):
    store.write(parts(event(count=2), event(count=3)))
    assert [one.count for one in store.violations()] == [5]


def test_violations_come_by_rule_period_and_fingerprint(store):
    asked = [("b", "2026-11-16"), ("a", "2026-11-17"), ("a", "2026-11-16"), ("a", "2026-11-16")]
    rules = [event(str(n), rule=rule, period=day) for n, (rule, day) in enumerate(asked)]
    store.write(parts(*rules))
    assert list(store.violations()) == sorted(rules, key=lambda one: (one.rule, one.period, one.fingerprint))


def test_forgetting_a_partition_leaves_what_others_said(store):
    mine = event(count=2, samples=(Position("logs-0", 1),), subjects=(1,))
    theirs = event(count=3, samples=(Position("logs-1", 1),), subjects=(2,))
    store.write(parts(mine, event("only mine")))
    store.write(parts(theirs, partition="logs-1"))
    store.forget("logs-0")
    assert list(store.violations()) == [theirs]


def test_forgetting_an_unknown_partition_changes_nothing(store):
    store.write(parts(event()))
    before = everything(store)
    store.forget("logs-9")
    assert everything(store) == before


def test_episodes_replace_their_range(store):
    def write(since: int, until: int, *seconds: int, group: str = "g1") -> None:
        violations = tuple(episode(second, group) for second in seconds)
        found = Episodes("bulk", group, NOON + since * 1_000_000, NOON + until * 1_000_000, violations)
        store.write(Turn(episodes=(found,)))

    write(0, 600, 10, 100, 300)
    write(0, 600, 50, group="g2")
    #    0        50      100          200       300
    #    |  10    |       100            |       300      g1, before
    #             [50 . . . . . . . . 200]                recomputed
    #    |  10    |                 150  |       300      g1, after
    write(50, 200, 150)
    assert [(one.group, one.period[14:19]) for one in store.violations()] == [
        ("g1", "00:10"),
        ("g2", "00:50"),
        ("g1", "02:30"),
        ("g1", "05:00"),
    ]


def test_episodes_of_no_group_replace_those_of_every_group(store):
    until = NOON + 60_000_000
    for group in ("g1", "g2"):
        store.write(Turn(episodes=(Episodes("bulk", group, NOON, until, (episode(5, group),)),)))
    store.write(Turn(episodes=(Episodes("bulk", "", NOON, until, (episode(7, "g3"),)),)))
    assert [one.group for one in store.violations()] == ["g3"]


def test_episodes_of_one_text_of_the_rule_leave_those_of_another(store):
    both = (episode(5, digest="d0"), episode(7, digest="d1"))
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON, NOON + 60_000_000, both),)))
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON, NOON + 60_000_000, (), "d1"),)))
    assert [one.digest for one in store.violations()] == ["d0"]


def test_a_segment_that_replaces_stands_for_all_before_it(store):
    def segment(data: bytes, partition: str = "logs-0", rule: str = "bulk", digest: str = "d", **more):
        return Segment(rule, digest, partition, 0, 9, 1, data, **more)

    store.write(Turn(segments=(segment(b"1"), segment(b"2", "logs-1"), segment(b"3", rule="other"))))
    store.write(Turn(segments=(segment(b"7", digest="other text"),)))
    store.write(Turn(segments=(segment(b"4"), segment(b"5", replaces=True), segment(b"6"))))
    assert [one.data for one in store.segments("bulk", "d", 0, 9)] == [b"2", b"5", b"6"]
    assert [one.data for one in store.segments("other", "d", 0, 9)] == [b"3"]
    assert [one.data for one in store.segments("bulk", "other text", 0, 9)] == [b"7"]


def test_the_ends_of_a_range_are_part_of_it(store):
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON, NOON, (episode(0),)),)))
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON - 5, NOON, ()),)))
    assert list(store.violations()) == []


def test_a_recomputed_episode_takes_the_place_of_the_old(store):
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON, NOON, (episode(0, count=5),)),)))
    store.write(Turn(episodes=(Episodes("bulk", "g1", NOON, NOON, (episode(0, count=7),)),)))
    assert [one.count for one in store.violations()] == [7]


def test_segments_overlap_the_range_in_the_order_written(store):
    spans = [(20, 30), (0, 9), (10, 19), (31, 40)]
    written = [Segment("bulk", "d", "logs-0", first, last, 1, b"x") for first, last in spans]
    store.write(Turn(segments=tuple(written)))
    store.write(Turn(segments=(replace(written[2], digest="other text"), replace(written[2], rule="other"))))
    assert list(store.segments("bulk", "d", 9, 20)) == written[:3]


def test_the_first_thousand_rejects_of_a_reason_stay(store):
    bad = [Reject("logs-0", offset, "json", 1) for offset in range(1500)]
    blank = Reject("logs-0", 5000, "blank", 0)
    store.write(Turn(rejects=tuple(reversed(bad[:700]))))
    store.write(Turn(rejects=(*bad[700:], blank)))
    assert list(store.rejects()) == [*bad[:1000], blank]


def test_reading_goes_on_while_a_turn_is_written(store):
    store.write(parts(*(event(str(number)) for number in range(3000))))
    reading = store.violations()
    next(reading)
    store.write(parts(event("another")))
    assert 2999 <= len(list(reading)) <= 3000


def test_a_claim_counts_how_often_a_partition_changed_hands(twin):
    one, other = twin.two()
    assert one.claim(["logs-0", "logs-1"]) == {"logs-0": Claim(1), "logs-1": Claim(1)}
    one.write(Turn(checkpoints=(("logs-0", Checkpoint(8, "p")),), generations=(("logs-0", 1),)))
    assert one.claim(["logs-0"]) == {"logs-0": Claim(1, Checkpoint(8, "p"))}, "nobody took it in between"
    assert other.claim(["logs-0"]) == {"logs-0": Claim(2, Checkpoint(8, "p"))}
    assert one.claim(["logs-0"]) == {"logs-0": Claim(3, Checkpoint(8, "p"))}
    assert one.claim([]) == {}


def test_who_lost_a_partition_writes_nothing_of_its_turn(twin):
    one, other = twin.two()
    one.claim(["logs-0", "logs-1"])
    other.claim(["logs-1"])
    checkpoints = (("logs-0", Checkpoint(8, "p")), ("logs-1", Checkpoint(8, "p")))
    turn = parts(event())
    with pytest.raises(FencedError, match="logs-1: another instance took over"):
        one.write(replace(turn, checkpoints=checkpoints, generations=(("logs-0", 1), ("logs-1", 1))))
    assert everything(one) == EMPTY
    one.write(replace(turn, checkpoints=checkpoints[:1], generations=(("logs-0", 1),)))
    other.write(Turn(checkpoints=checkpoints[1:], generations=(("logs-1", 2),)))
    assert one.checkpoints() == other.checkpoints() == dict(checkpoints)


def test_taken_and_taken_back_what_was_read_before_is_not_written(twin):
    one, other = twin.two()
    one.claim(["logs-0"])
    other.claim(["logs-0"])
    one.claim(["logs-0"])
    with pytest.raises(FencedError):
        one.write(Turn(generations=(("logs-0", 1),)))
    one.write(Turn(generations=(("logs-0", 3),)))


def test_a_partition_nobody_claimed_is_written_by_anybody(twin):
    one, other = twin.two()
    for store in (one, other):
        store.write(Turn(generations=(("a.ndjson", 0),)))


def test_window_state_of_others_is_told_from_what_was_seen(twin):
    one, other = twin.two()
    first, second, third = (Segment("bulk", "d", "logs-0", 0, 9, 1, data) for data in (b"1", b"2", b"3"))
    assert one.segments_after(0) == ([], 0)
    mark = one.write(Turn(segments=(first,), seen=0))
    with pytest.raises(OutpacedError, match="another instance wrote window state"):
        other.write(Turn(segments=(second,), seen=0, parts=parts(event()).parts))
    assert list(other.violations()) == []
    assert other.segments_after(0) == ([first], mark)
    second = replace(second, replaces=True)
    newer = other.write(Turn(segments=(second,), seen=mark))
    assert newer > mark
    assert one.segments_after(mark) == ([second], newer)
    assert one.write(Turn(seen=newer)) == newer, "a turn without window state makes no mark"
    one.write(Turn(segments=(third,), seen=newer))
    assert [one.data for one in other.segments_after(0)[0]] == [b"2", b"3"]


def seen(*sources: SourceSeen, asked=("a", "b"), since=0) -> Turn:
    return Turn(sightings=Sightings(asked, since, sources))


def test_sightings_of_two_instances_add_up(twin):
    one, other = twin.two()
    logs = Logsource("application", None, "shop")
    one.write(
        seen(SourceSeen("logs", logs, 100, 50, (FieldSeen("a", 90, 100, 50), FieldSeen("b", 1, 10, 41))))
    )
    other.write(seen(SourceSeen("logs", logs, 20, 45, (FieldSeen("a", 5, 7, 44),))))
    other.write(seen(SourceSeen("audit", Logsource(), 3, 45)))
    known = SourceSeen("logs", logs, 120, 50, (FieldSeen("a", 95, 107, 50), FieldSeen("b", 1, 10, 41)))
    assert tuple(one.sightings()) == (SourceSeen("audit", Logsource(), 3, 45), known)


def test_sightings_that_nobody_asks_for_are_forgotten(store):
    fields = (FieldSeen("a", 9, 10, 50), FieldSeen("b", 9, 10, 50))
    store.write(seen(SourceSeen("old", Logsource(), 10, 20, fields)))
    store.write(seen(SourceSeen("logs", Logsource(), 10, 50, fields)))
    store.write(seen(asked=("b",), since=21))
    assert tuple(store.sightings()) == (SourceSeen("logs", Logsource(), 10, 50, fields[1:]),)


@settings(max_examples=40)
@given(history=st.lists(sightings(), max_size=6))
def test_any_history_of_sightings_reads_as_the_plain_twin_says(twin, history):
    store, oracle = twin.store(), MemoryStore()
    for one in history:
        store.write(Turn(sightings=one))
        oracle.write(Turn(sightings=one))
    assert tuple(store.sightings()) == oracle.sightings()


@settings(max_examples=40)
@given(history=turns())
def test_any_history_reads_as_the_plain_twin_says(twin, history):
    store, oracle = twin.store(), MemoryStore()
    for turn in history:
        store.write(turn)
        oracle.write(turn)
    assert everything(store) == everything(oracle)


@settings(max_examples=25)
@given(history=turns(), seed=st.randoms(use_true_random=False))
def test_parts_merge_to_the_same_in_any_order(twin, history, seed):
    straight, shuffled = twin.store(), twin.store()
    contributions = [Turn(parts=(part,)) for turn in history for part in turn.parts]
    straight.write(Turn(parts=tuple(part for turn in contributions for part in turn.parts)))
    seed.shuffle(contributions)
    for turn in contributions:
        shuffled.write(turn)
    assert list(straight.violations()) == list(shuffled.violations())


@settings(max_examples=25)
@given(history=turns(), partition=st.sampled_from(PARTITIONS))
def test_forgetting_is_never_having_heard(twin, history, partition):
    heard, never = twin.store(), twin.store()
    for turn in history:
        heard.write(turn)
        mine = partition in dict(turn.checkpoints)
        never.write(Turn(episodes=turn.episodes) if mine else turn)
    heard.forget(partition)
    assert everything(heard) == everything(never)


@settings(max_examples=25)
@given(history=turns())
def test_forgetting_and_writing_again_changes_nothing(twin, history):
    store = twin.store()
    for turn in history:
        store.write(turn)
    before = everything(store)
    for partition in PARTITIONS:
        store.forget(partition)
    for turn in history:
        store.write(turn)
    assert everything(store) == before
