"""A member that is in trouble holds up no other member of its group, and says so."""

import logging
from collections.abc import Callable
from contextlib import closing

import pytest

from monitor.brokers.access import Brokers
from monitor.clock import SystemClock
from monitor.sources import kafka as source_of_topics
from monitor.sources import librdkafka
from monitor.sources.consumer import Consumer, KafkaOptions, PassingError
from monitor.sources.kafka import KafkaSource, unclaimed
from monitor.sources.librdkafka import NativeConsumer

CLOCK = SystemClock()
SECONDS = 180.0
"""Machines stand still now and then, for most of a minute; the group forms anew after it."""


def until(condition: Callable[[], object], *members: NativeConsumer) -> None:
    """Poll the members until it holds."""
    deadline = CLOCK.monotonic() + SECONDS
    while not condition():
        assert CLOCK.monotonic() < deadline, "it did not happen in time"
        for one in members:
            one.poll(100, 0.05)
        if not members:
            CLOCK.sleep(0.05)


def options(kafka, topic: str, **more) -> KafkaOptions:
    plain = {"brokers": Brokers((kafka.bootstrap,)), "topics": (topic,), "group": f"g-{topic}"}
    return KafkaOptions(**(plain | {"client": "librdkafka", "session_seconds": 4.0} | more))


def joined(kafka, topic: str) -> NativeConsumer:
    consumer = librdkafka.connect(options(kafka, topic), lambda _: None)
    consumer.subscribe([topic])
    return consumer


@pytest.mark.kafka
def test_what_the_library_took_back_by_itself_holds_up_no_rebalance(kafka):
    topic = kafka.topic(2)
    names = {f"{topic}-{number}" for number in range(2)}
    with closing(joined(kafka, topic)) as one:
        until(lambda: one.assigned() == names, one)
        one.place(dict.fromkeys(names, 0))
        one._consumer.incremental_unassign([librdkafka._partition(name) for name in names])
        with closing(joined(kafka, topic)) as two:
            until(lambda: len(one.assigned()) == len(two.assigned()) == 1, one, two)
            until(lambda: one.assigned() | two.assigned() == names, one, two)


@pytest.mark.kafka
@pytest.mark.parametrize("before", ["given before", "taken back before"])
def test_whatever_the_library_reads_it_reads_where_it_is_told(kafka, before):
    topic = kafka.topic(2)
    names = {f"{topic}-{number}" for number in range(2)}
    for number in range(2):
        kafka.produce(topic, [b"0", b"1", b"2"], number)
    with closing(joined(kafka, topic)) as one:
        until(lambda: one.assigned() == names, one)
        first = librdkafka._partition(f"{topic}-0", 0)
        if before == "given before":
            one._consumer.incremental_assign([first])
        else:
            one.place({f"{topic}-0": 0})
            one._consumer.incremental_unassign([first])
        one.place(dict.fromkeys(names, 1))
        found: dict[str, list[int]] = {name: [] for name in names}
        deadline = CLOCK.monotonic() + SECONDS
        while any(2 not in offsets for offsets in found.values()):
            assert CLOCK.monotonic() < deadline, found
            for fetched in one.poll(100, 0.1):
                found[fetched.partition] += fetched.offsets
        assert found == {name: [1, 2] for name in names}


@pytest.mark.kafka
@pytest.mark.parametrize("client", ["kafka-python", "librdkafka"])
def test_a_member_that_cannot_place_what_came_goes_on_polling_and_says_so(kafka, client, caplog, monkeypatch):
    """Or a group would wait for it as long as `max.poll.interval.ms`, five minutes."""
    monkeypatch.setattr(source_of_topics, "_QUIET_SECONDS", 1.0)
    topic = kafka.topic(2)
    kafka.produce(topic, [b"0"], 0)
    kafka.produce(topic, [b"0"], 1)
    away = True

    def connect(wanted: KafkaOptions, revoked) -> Consumer:
        consumer = source_of_topics.connect(wanted, revoked)
        place = consumer.place

        def stuck(places) -> None:
            if away:
                raise PassingError("no leader, says the test")
            place(places)

        monkeypatch.setattr(consumer, "place", stuck)
        return consumer

    with (
        closing(KafkaSource(options(kafka, topic, client=client), connect=connect)) as one,
        closing(KafkaSource(options(kafka, topic), claim=unclaimed)) as two,
    ):
        one.start({})
        until(lambda: "nothing is read for now (no leader, says the test)" in caplog.text)
        assert caplog.records[-1].levelno == logging.WARNING
        two.start({})
        # Of one partition it hears only once the other member has let it go, in a poll.
        until(lambda: len(two._places.placed) == 1)
        assert two.poll(10).payload.items == (b"0",)
        away = False
        until(lambda: len(one._places.placed) == 1)
        assert one.poll(10).payload.items == (b"0",)
