"""What a crash test is made of: records with known violations, daemons to kill, and what must be stored."""

import json
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import yaml
from kafka import KafkaProducer

from monitor.app import ReplayOptions, replay, shipped_rules
from monitor.clock import SystemClock
from monitor.model import Position, Reject, Violation
from monitor.pipeline.ways import Decoding
from monitor.store.repository import SqlStore, open_store
from tests.support.every_correlation import write_rules

CLOCK = SystemClock()
NOON = 1_794_830_400
"""2026-11-16T12:00:00Z in seconds."""
SPAN = 2400
"""Seconds of event time. No window closes in less (`tests.support.every_correlation`): nothing is late,
whoever is behind. An absence is certain after less, so some are found."""
PARTITIONS = 4


def records(count: int, seed: int) -> list[list[bytes]]:
    """For each partition its records: leaks, bulk reads over all partitions, rubbish, ordinary ones."""
    rng = random.Random(seed)
    found: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for number in range(count):
        found[rng.randrange(PARTITIONS)].append(_record(rng, number, count))
    return found


def _record(rng: random.Random, number: int, count: int) -> bytes:
    event: dict[str, object] = {
        "@timestamp": round((NOON + SPAN * number / count) * 1000),
        "service": {"name": rng.choice(["shop", "crm", "billing"])},
        "message": "all is well",
    }
    match rng.randrange(20):
        case 0 | 1:
            event["message"] = f"sent to person.{rng.randrange(50)}@nordwind-shop.de"
        case 2:
            event["iban"] = "DE89370400440532013000"
        case 3 | 4 | 5 | 6 | 7:
            event["user"] = {"name": f"agent{rng.randrange(3)}", "roles": ["staff"]}
            event |= {"event": {"action": "read"}, "customer": {"id": f"C{rng.randrange(3000)}"}}
            event["rows"] = rng.randrange(100)
        case 8:
            return b'{"cut": ' + b"x" * rng.randrange(20)
    return json.dumps(event).encode()


class Producer:
    """Sends the records of all partitions side by side, over some seconds, from a thread of its own."""

    def __init__(self, bootstrap: str, topic: str, values: list[list[bytes]], seconds: float) -> None:
        self._todo = [(partition, value) for partition, some in enumerate(values) for value in some]
        # All partitions at the same pace, each in its order.
        at = {p: iter(range(len(some))) for p, some in enumerate(values)}
        self._todo.sort(key=lambda one: next(at[one[0]]) / len(values[one[0]]))
        self._args = bootstrap, topic, seconds
        self._stop = Event()
        self._thread = Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        bootstrap, topic, seconds = self._args
        producer = KafkaProducer(
            bootstrap_servers=bootstrap, linger_ms=5, enable_idempotence=True, delivery_timeout_ms=300_000
        )
        steps = max(1, round(seconds / 0.1))
        size = -(-len(self._todo) // steps)
        try:
            for first in range(0, len(self._todo), size):
                pending = [
                    producer.send(topic, value=value, partition=partition)
                    for partition, value in self._todo[first : first + size]
                ]
                for future in pending:
                    future.get(120)
                if self._stop.wait(0.1):
                    return
        finally:
            producer.close()

    def join(self) -> None:
        self._thread.join(600)
        assert not self._thread.is_alive(), "the producer did not come to its end"

    def close(self) -> None:
        self._stop.set()
        self._thread.join(60)


class Instance:
    """One `privwatch run`, started, killed, started again."""

    def __init__(self, folder: Path, name: str, settings: dict[str, object]) -> None:
        self.config = folder / f"{name}.yml"
        self.config.write_text(yaml.safe_dump(settings))
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._from = 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self._from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "run", "-c", str(self.config)], stderr=log, stdout=log
            )

    def said(self) -> str:
        """What this run said."""
        with self.log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")

    def wait_reading(self, seconds: float = 90) -> None:
        until = CLOCK.monotonic() + seconds
        while "; metrics on " not in self.said():
            assert self.alive, f"it ended by itself: {self.said()}"
            assert CLOCK.monotonic() < until, f"not reading after {seconds} s: {self.said()}"
            CLOCK.sleep(0.05)

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        assert self.alive, f"it ended by itself: {self.said()}"
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As an operator stops it; it must end well and in time."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert code == 0, self.said()

    def close(self) -> None:
        if self.alive:
            assert self.process is not None
            self.process.kill()
            self.process.wait()


def settings_for(
    bootstrap: str, topic: str, store: str, folder: Path, client: str = "auto", **more
) -> dict[str, object]:
    kafka = {
        "bootstrap": bootstrap,
        "topics": [topic],
        "group": topic,
        "session_seconds": 2,
        "client": client,
    }
    return {
        "sources": {"kafka": kafka},
        "store": store,
        "rules": [str(shipped_rules()), str(write_rules(folder))],
        "key": str(folder / "key"),
        "metrics": {"port": 0},
        # Small batches and turns, so that there is much to interrupt.
        "limits": {"batch_records": 200},
        **more,
    }


def wait_stored(store: str, topic: str, values: list[list[bytes]], seconds: float) -> None:
    """Until the store has read every partition to its end."""
    wanted = {f"{topic}-{number}": len(some) for number, some in enumerate(values)}
    until = CLOCK.monotonic() + seconds
    opened = open_store(store)
    try:
        while (read := positions(opened)) != wanted:
            assert CLOCK.monotonic() < until, f"{read} of {wanted} after {seconds} s"
            CLOCK.sleep(0.2)
    finally:
        opened.close()


def positions(store: SqlStore) -> dict[str, int]:
    return {name: one.next_position for name, one in store.checkpoints().items()}


Told = tuple[list[Violation], list[Reject], dict[tuple[str, str, str], int]]


def told(store: str) -> Told:
    """Everything a person may ask the store for."""
    opened = open_store(store)
    try:
        return list(opened.violations()), list(opened.rejects()), opened.counts()
    finally:
        opened.close()


def expected(folder: Path, topic: str, values: list[list[bytes]]) -> Told:
    """The same records replayed from files, one for each partition, told as of the topic."""
    logs = folder / "reference"
    logs.mkdir()
    for number, some in enumerate(values):
        (logs / f"{number}.ndjson").write_bytes(b"".join(value + b"\n" for value in some))
    database = folder / "reference.db"
    replay(
        ReplayOptions(
            (str(logs),),
            (shipped_rules(), write_rules(folder)),
            database,
            folder / "key",
            decoding=Decoding(format="json"),
        )
    )
    opened = open_store(database, "replay")
    try:
        violations, rejects, counts = list(opened.violations()), list(opened.rejects()), opened.counts()
    finally:
        opened.close()

    def moved(partition: str) -> str:
        return f"{topic}-{Path(partition.rpartition('#')[0]).stem}"

    return (
        [
            replace(v, samples=tuple(Position(moved(s.partition), s.offset) for s in v.samples))
            for v in violations
        ],
        [replace(reject, partition=moved(reject.partition)) for reject in rejects],
        {(moved(partition), kind, name): n for (partition, kind, name), n in counts.items()},
    )
