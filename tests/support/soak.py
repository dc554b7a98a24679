"""A daemon beside a topic that is written to for minutes: what it needs of memory and processor."""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import yaml
from kafka import KafkaProducer

from monitor.clock import SystemClock
from monitor.demo.stream import bulk
from tests.real.test_kafka_run import Daemon, settings

CLOCK = SystemClock()
PARTITIONS = 4
DAYS = (16, 17, 18)
"""Of November; the first is the one that `bulk` writes."""
STEP = 0.1
"""Seconds between two portions of records."""
MB = 1024 * 1024


@dataclass(frozen=True)
class Soaked:
    """What was seen: resident megabytes at every sample, shares of one processor."""

    records: int
    stored: int
    memory: list[float]
    busy: float
    idle: float

    def third(self, number: int) -> float:
        """Median megabytes of a third of the time, 0 to 2."""
        size = len(self.memory) // 3
        return statistics.median(self.memory[number * size : (number + 1) * size])


def soak(kafka, *, seconds: float, rate: int, idle_seconds: float, every: float = 1.0, **more) -> Soaked:
    """Idle for a while, then `rate` records of about 500 bytes a second; in each third of it a day passes."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        topic = kafka.topic(PARTITIONS)
        config = settings(folder, kafka, topic)
        config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | more))
        total = len(DAYS) * round(seconds * rate / len(DAYS))
        _days(folder / "records.ndjson", total // len(DAYS))
        daemon, stop = Daemon(config), Event()
        try:
            CLOCK.sleep(5)  # what is done once at the start is no idling
            idle = _busy(daemon.process.pid, idle_seconds)
            writer = Thread(
                target=_write, args=(kafka.bootstrap, topic, folder / "records.ndjson", rate, stop)
            )
            writer.start()
            began, used = CLOCK.monotonic(), _cpu(daemon.process.pid)
            memory = []
            while writer.is_alive():
                assert daemon.process.poll() is None, "it ended by itself"
                memory.append(_resident(daemon.process.pid))
                CLOCK.sleep(every)
            busy = (_cpu(daemon.process.pid) - used) / (CLOCK.monotonic() - began)
            daemon.wait_for(total)
            daemon.catch_up(PARTITIONS)
            stored = daemon.records()
        finally:
            stop.set()
            daemon.stop()
        return Soaked(total, stored, memory, busy, idle)


def _days(file: Path, events: int) -> None:
    """The same day again and again, under other dates: what windows remember is then the same every day."""
    bulk(file, events)
    day = file.read_bytes()
    with file.open("wb") as out:
        for number in DAYS:
            out.write(day.replace(b"2026-11-%d" % DAYS[0], b"2026-11-%d" % number))


def _write(bootstrap: str, topic: str, file: Path, rate: int, stop: Event) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, batch_size=131_072)
    began, sent = CLOCK.monotonic(), 0
    try:
        with file.open("rb") as lines:
            for line in lines:
                producer.send(topic, value=line.rstrip(b"\n"), partition=sent % PARTITIONS)
                sent += 1
                while sent > (CLOCK.monotonic() - began + STEP) * rate and not stop.is_set():
                    CLOCK.sleep(STEP)
                if stop.is_set():
                    return
        producer.flush()
    finally:
        producer.close()


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / MB


def _cpu(pid: int) -> float:
    """Seconds of processor it has used, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _busy(pid: int, seconds: float) -> float:
    before, began = _cpu(pid), CLOCK.monotonic()
    CLOCK.sleep(seconds)
    return (_cpu(pid) - before) / (CLOCK.monotonic() - began)
