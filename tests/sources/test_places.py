"""Which records of a client are believed: none is lost and none comes twice, whatever it brings when."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import StoreAwayError
from monitor.model import Checkpoint, Claim
from monitor.sources.consumer import Fetched
from monitor.sources.kafka import KafkaSource
from tests.support.scripted import NAME, ScriptedConsumer, scripted


def taken(source: KafkaSource) -> list[int]:
    """Offsets of everything that is queued."""
    found: list[int] = []
    while (batch := source.poll(0)) is not None:
        found += batch.offsets
    return found


def test_a_partition_that_went_and_came_back_untouched_goes_on_behind_what_is_in_hand():
    #  ours       {0}        {}       {0}          {}       {0}
    #  claim      gen 1               gen 1                 gen 3: another instance had it
    #  read from  0                   10: in hand           0: what is in hand is refused
    consumer = ScriptedConsumer({NAME: range(100)})
    generation = [1]
    source = scripted(consumer, lambda names: {name: Claim(generation[0]) for name in names})
    for now in (1, 1, 3):
        generation[0] = now
        consumer.came()
        source._step(consumer)
        taken(source)
        consumer.went()
        source._step(consumer)
    assert consumer.placed == [(NAME, 0), (NAME, 10), (NAME, 0)]


def test_records_that_come_after_their_partition_went_leave_no_hole():
    #  queued 0..9 │ went, and in the same poll 10..19 still come │ came back, nobody else had it
    #  Taken in, 10..19 would stand behind nothing: 0..9 went out of the queue with the partition.
    consumer = ScriptedConsumer({NAME: range(30)})
    source = scripted(consumer)
    consumer.came()
    source._step(consumer)
    consumer.fetch_ahead(10)
    consumer.went()
    source._step(consumer)
    assert taken(source) == []
    consumer.came()
    for _ in range(4):
        source._step(consumer)
    assert taken(source) == list(range(30))


def test_what_was_fetched_before_a_seek_is_not_what_comes_next():
    consumer = ScriptedConsumer({NAME: range(40)})
    source = scripted(consumer)
    consumer.came()
    source._step(consumer)
    source._step(consumer)
    assert taken(source) == list(range(20))
    consumer.fetch_ahead(10)
    source.rewind({NAME: Checkpoint(5, "p")})
    for _ in range(8):
        source._step(consumer)
    assert taken(source) == list(range(5, 40))


def test_a_gap_that_is_there_is_believed():
    consumer = ScriptedConsumer({NAME: [*range(5, 12), *range(20, 25)]})
    source = scripted(consumer)
    consumer.came()
    for _ in range(4):
        source._step(consumer)
    assert taken(source) == [*range(5, 12), *range(20, 25)]
    assert consumer.placed == [(NAME, 0), (NAME, 0)], "asked for once more, and no more"


def test_records_that_come_twice_are_taken_once():
    consumer = ScriptedConsumer({NAME: range(20)})
    source = scripted(consumer)
    consumer.came()
    source._step(consumer)
    consumer.ahead = [Fetched(NAME, list(range(4, 16)), [b""] * 12, [1] * 12)]
    source._step(consumer)
    assert taken(source) == list(range(16))


def test_partitions_that_stay_are_read_on():
    consumer = ScriptedConsumer({NAME: range(50), "logs-1": range(50)})
    claims: list[set[str]] = []

    def claim(names):
        claims.append(set(names))
        return dict.fromkeys(names, Claim(1))

    source = scripted(consumer, claim)
    consumer.came()
    source._step(consumer)
    consumer.came("logs-1")
    source._step(consumer)
    consumer.went("logs-1")
    source._step(consumer)
    assert claims == [{NAME}, {"logs-1"}]
    assert consumer.placed == [(NAME, 0), ("logs-1", 0)]
    assert taken(source) == list(range(30))


def test_a_failure_in_the_middle_of_what_was_polled_loses_nothing_of_the_rest():
    #  logs-0 has a gap, asking for it again fails; logs-1 came in the same poll, and is not brought again
    consumer = ScriptedConsumer({NAME: range(3, 9), "logs-1": range(9)})
    source = scripted(consumer)
    consumer.came()
    consumer.came("logs-1")
    placing = consumer.place

    def once(places):
        consumer.place = placing
        consumer.failing = 1 if consumer.placed else 0
        placing(places)
        consumer.place = once

    consumer.place = once
    source._step(consumer)
    consumer.place = placing
    for _ in range(4):
        source._step(consumer)
    assert sorted(taken(source)) == sorted([*range(3, 9), *range(9)])


def test_while_the_store_is_away_the_group_is_told_that_we_are_there_and_nothing_is_read():
    consumer, store = ScriptedConsumer({NAME: range(20), "logs-1": range(20)}), Store()
    source = scripted(consumer, store.claim)
    consumer.came()
    source._step(consumer)
    store.away = True
    consumer.came("logs-1")
    source.rewind({NAME: Checkpoint(3, "p")})
    for _ in range(3):
        source._step(consumer)
    assert consumer.polls == 4
    assert taken(source) == []
    store.away = False
    store.stored[NAME] = 3
    for _ in range(5):
        source._step(consumer)
    assert sorted(taken(source)) == sorted([*range(3, 20), *range(20)])


@dataclass
class Store:
    """What is stored of each partition, and whose claim holds."""

    stored: dict[str, int] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    away: bool = False

    def claim(self, names) -> dict[str, Claim]:
        if self.away:
            raise StoreAwayError("away")
        return {
            name: Claim(self.claims.setdefault(name, 1), Checkpoint(self.stored[name], "p"))
            if name in self.stored
            else Claim(self.claims.setdefault(name, 1))
            for name in names
        }


PARTITIONS = (NAME, "logs-1")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "step",
                "step",
                "step",
                "came",
                "went",
                "ahead",
                "late",
                "rewind",
                "write",
                "stolen",
                "away",
                "back",
                "fail",
            )
        ),
        st.sampled_from(PARTITIONS),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=300)
@given(EVENTS, st.sets(st.integers(0, 90), min_size=40))
def test_in_any_order_of_events_what_is_stored_has_no_hole_and_nothing_twice(events, offsets):
    """The runner and the store are played here: a turn is written where its claim is the last one."""
    there = {name: sorted(offsets) for name in PARTITIONS}
    consumer, store = ScriptedConsumer(there), Store()
    source = scripted(consumer, store.claim, batch=4)
    written: dict[str, list[int]] = {name: [] for name in PARTITIONS}

    def write() -> None:
        while (batch := source.poll(0)) is not None:
            if batch.generation != store.claims[batch.partition]:
                # Fenced off: all that is in hand is dropped, and read again from what the store holds.
                source.rewind({name: Checkpoint(at, "p") for name, at in store.stored.items()})
                return
            written[batch.partition] += batch.offsets
            store.stored[batch.partition] = batch.next_position
            source.commit({batch.partition: batch.next_position})

    for event, name in events:
        match event:
            case "step":
                source._step(consumer)
            case "came":
                consumer.came(name)
            case "went":
                consumer.went(name)
            case "ahead":
                consumer.fetch_ahead(4, name)
            case "late":
                # What was fetched ahead still comes after the partition went.
                consumer.fetch_ahead(4, name)
                consumer.went(name)
                source._step(consumer)
            case "rewind":
                source.rewind({name: Checkpoint(at, "p") for name, at in store.stored.items()})
            case "write":
                write()
            case "stolen":
                # Another instance claims the partition; it goes from here, sooner or later.
                store.claims[name] = store.claims.get(name, 0) + 1
            case "away" | "back":
                store.away = event == "away"
            case "fail":
                consumer.failing = 1
    store.away = False
    for name in PARTITIONS:
        consumer.came(name)
    for _ in range(60):
        source._step(consumer)
        write()
    assert written == there
