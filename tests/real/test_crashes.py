"""Exactly once in effect: whatever is killed, moved or restarted, the store holds what a quiet replay finds.

PRIVWATCH_TEST_KILLS says how often the daemon is killed: few in `make test`, 100 and more by hand.
"""

import gc
import logging
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from monitor.rules.vocabulary import CORRELATION_TYPES
from tests.support.crashes import (
    CLOCK,
    PARTITIONS,
    Instance,
    Producer,
    expected,
    records,
    settings_for,
    told,
    wait_stored,
)
from tests.support.unmet import cannot_run

KILLS = int(os.environ.get("PRIVWATCH_TEST_KILLS", "8"))
SEED = int(os.environ.get("PRIVWATCH_TEST_SEED", "1"))
PATIENCE = 120
LONG = KILLS > 20
CLIENTS = ["kafka-python", "librdkafka"]
ASKED = {"event", *CORRELATION_TYPES}
"""Kinds that must be found."""

GROUPS = [[*CLIENTS, "auto"], ["kafka-python"] * 3, ["librdkafka"] * 3]
"""Of three instances; few kills go to one that has both."""

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(300 + 30 * KILLS),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_of_failed_connections(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The producer leaves sockets that never connected to the garbage collector, which warns of them."""
    caplog.set_level(logging.CRITICAL + 1, "kafka")
    yield
    gc.collect()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    return request.getfixturevalue("database")


@contextmanager
def instances(folder: Path, *settings: dict[str, object]) -> Iterator[list[Instance]]:
    with ExitStack() as stack:
        found = [Instance(folder, f"instance-{number}", one) for number, one in enumerate(settings)]
        for one in found:
            stack.callback(one.close)
        yield found


@contextmanager
def producing(kafka, topic: str, values: list[list[bytes]], seconds: float) -> Iterator[Producer]:
    producer = Producer(kafka.bootstrap, topic, values, seconds)
    try:
        yield producer
    finally:
        producer.close()


def assert_nothing_lost_or_doubled(store: str, folder: Path, topic: str, values: list[list[bytes]]) -> None:
    wanted = expected(folder, topic, values)
    violations, rejects, counts = told(store)
    assert counts == wanted[2]
    assert rejects == wanted[1]
    assert [(v.rule, v.fingerprint, v.count) for v in violations] == [
        (v.rule, v.fingerprint, v.count) for v in wanted[0]
    ]
    assert violations == wanted[0]
    assert {v.kind for v in violations} >= ASKED, "the records must ask for all"


@pytest.fixture
def client(request: pytest.FixtureRequest, store: str) -> str:
    """Each client with each store; in few minutes, each of them once."""
    wanted: str = request.param
    if not LONG and (wanted == "librdkafka") != store.startswith("postgresql"):
        pytest.skip("each client and each store once; all pairs with PRIVWATCH_TEST_KILLS above 20")
    return wanted


@pytest.mark.parametrize("client", CLIENTS, indirect=True)
def test_killed_at_random_moments(kafka, store, tmp_path, client):
    rng = random.Random(SEED)
    values = records(400 * KILLS, SEED)
    topic = kafka.topic(PARTITIONS)
    config = settings_for(kafka.bootstrap, topic, store, tmp_path, client)
    with (
        instances(tmp_path, config) as (one,),
        producing(kafka, topic, values, 4 * KILLS),
    ):
        began = CLOCK.monotonic()
        while_reading = 0
        for kill in range(KILLS):
            one.start()
            if kill % 4 == 3:
                CLOCK.sleep(rng.uniform(0, 3))  # while it starts, too
            else:
                one.wait_reading()
                CLOCK.sleep(rng.uniform(0, 4))
                while_reading += 1
            one.kill()
        one.start()
        wait_stored(store, topic, values, PATIENCE + 4 * KILLS)
        one.wait_reading()  # all may have been stored before this start: then it is still starting
        one.stop()
    print(f"{KILLS} kills, {while_reading} of them while reading, in {CLOCK.monotonic() - began:.0f} s")
    assert_nothing_lost_or_doubled(store, tmp_path, topic, values)


@pytest.mark.postgresql
@pytest.mark.parametrize("clients", GROUPS if LONG else GROUPS[:1], ids="-".join)
def test_three_instances_that_join_leave_stand_still_and_die(kafka, database, tmp_path, clients):
    rng = random.Random(SEED)
    values = records(600 * KILLS, SEED + 1)
    topic = kafka.topic(PARTITIONS)
    configs = [settings_for(kafka.bootstrap, topic, database, tmp_path, client) for client in clients]
    with (
        instances(tmp_path, *configs) as every,
        producing(kafka, topic, values, 5 * KILLS),
    ):
        for one in every:
            one.start()
        did = dict.fromkeys(("start", "kill", "stop", "stand still"), 0)
        for _ in range(KILLS):
            CLOCK.sleep(rng.uniform(1, 5))
            one = rng.choice(every)
            did[_happens(rng, one)] += 1
        for one in every:
            if not one.alive:
                one.start()
        wait_stored(database, topic, values, PATIENCE + 5 * KILLS)
        for one in every:
            one.wait_reading()
            one.stop()
    fenced = sum(one.log.read_text().count("another instance took over") for one in every)
    print(f"{did}; {fenced} turns fenced off")
    assert_nothing_lost_or_doubled(database, tmp_path, topic, values)


def _happens(rng: random.Random, one: Instance) -> str:
    """Something to one instance; returns what."""
    if not one.alive:
        one.start()
        return "start"
    what = rng.choice(["kill", "stop", "stand still"])
    if what == "kill" or "; metrics on " not in one.said():
        one.kill()
        return "kill"
    if what == "stop":
        one.stop()
    else:
        # Longer than the session: its partitions move, and it goes on as if they had not.
        one.send(signal.SIGSTOP)
        CLOCK.sleep(4)
        one.send(signal.SIGCONT)
    return what


@pytest.mark.postgresql
def test_postgresql_restarted_under_it(kafka, postgresql_cluster, tmp_path):
    store = postgresql_cluster.url
    values = records(4000, SEED + 2)
    topic = kafka.topic(PARTITIONS)
    with (
        instances(tmp_path, settings_for(kafka.bootstrap, topic, store, tmp_path)) as (one,),
        producing(kafka, topic, values, 12),
    ):
        one.start()
        one.wait_reading()
        for mode in ("fast", "immediate", "immediate"):
            CLOCK.sleep(2)
            postgresql_cluster.stop(mode)
            CLOCK.sleep(1)
            postgresql_cluster.start()
        wait_stored(store, topic, values, PATIENCE)
        one.stop()
    assert "going on from the positions in the store" in one.log.read_text()
    assert "a-password-for-tests" not in one.log.read_text()
    assert_nothing_lost_or_doubled(store, tmp_path, topic, values)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_broker_restarted_under_it(kafka_server, tmp_path, client):
    from tests.support.kafka_server import Kafka  # noqa: PLC0415 - slow to import

    kafka = Kafka(kafka_server.bootstrap)
    store = str(tmp_path / "store.db")
    values = records(3000, SEED + 3)
    topic = kafka.topic(PARTITIONS)
    with (
        instances(tmp_path, settings_for(kafka.bootstrap, topic, store, tmp_path, client)) as (one,),
        producing(kafka, topic, values, 10),
    ):
        one.start()
        one.wait_reading()
        CLOCK.sleep(2)
        kafka_server.stop()
        CLOCK.sleep(1)
        kafka_server.start()
        wait_stored(store, topic, values, PATIENCE)
        one.stop()
    assert_nothing_lost_or_doubled(store, tmp_path, topic, values)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of some megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        cannot_run("a small disk of its own cannot be mounted here (root may)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_waited_for(kafka, small_disk, tmp_path):
    store = str(small_disk / "store.db")
    values = records(6000, SEED + 4)
    topic = kafka.topic(PARTITIONS)
    with instances(tmp_path, settings_for(kafka.bootstrap, topic, store, tmp_path)) as (one,):
        one.start()
        one.wait_reading()
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            size = 65536
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2
        with producing(kafka, topic, values, 2) as producer:
            producer.join()
        until = CLOCK.monotonic() + PATIENCE
        while "the disk is full; make room" not in one.log.read_text():
            assert one.alive, one.said()
            assert CLOCK.monotonic() < until, one.said()
            CLOCK.sleep(0.2)
        ballast.unlink()
        wait_stored(store, topic, values, PATIENCE)
        one.stop()
    assert_nothing_lost_or_doubled(store, tmp_path, topic, values)
