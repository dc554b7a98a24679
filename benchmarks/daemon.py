"""How fast `privwatch run` reads a real Apache Kafka, beside bare loops of the clients; how soon; how idle.

    python benchmarks/daemon.py                 1 M events, three rounds
    python benchmarks/daemon.py --bootstrap host:port      a broker of yours

benchmarks/README.md says how to read the figures. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import polars as pl
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import confluent_kafka as rd  # noqa: E402 - after the path
import kafka as kp  # noqa: E402

from benchmarks.replay import events_file, machine  # noqa: E402
from monitor import app  # noqa: E402
from monitor.clock import SystemClock  # noqa: E402
from monitor.engine.plan import compile_plan  # noqa: E402
from tests.support import kafka_jars  # noqa: E402
from tests.support.kafka_server import Kafka, KafkaServer  # noqa: E402

PARTITIONS = 4
PATIENCE = 600
PACED_SECONDS = 20
IDLE_SECONDS = 15
TARGETS = {
    "kafka_python_over_poll": (">=", 0.8),
    "librdkafka_over_bound": (">=", 0.7),
    "latency_p99_s": ("<", 1.0),
    "idle_cpu_percent": ("<", 3.0),
}


def lines(path: Path, events: int) -> Iterator[bytes]:
    """So many records, without their newline."""
    with path.open("rb") as file:
        for line in islice(file, events):
            yield line.rstrip(b"\n")


def produce(bootstrap: str, topic: str, records: Iterator[bytes]) -> None:
    """All of them, to the partitions in turn; what takes how long is nobody's figure."""
    producer = rd.Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 500_000}
    )
    for number, record in enumerate(records):
        while True:
            try:
                producer.produce(topic, record, partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def poll_loop(bootstrap: str, topic: str, events: int) -> int:
    """kafka-python as it comes: poll, count, nothing else. Checksums as the daemon has them."""
    consumer = kp.KafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 << 20,
        metrics_enabled=False,
    )
    with closing(consumer):
        partitions = [kp.TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        seen = 0
        while seen < events:
            seen += sum(map(len, consumer.poll(timeout_ms=200, max_records=50_000).values()))
        return seen


def consume_loop(bootstrap: str, topic: str, events: int) -> int:
    """librdkafka as it comes: consume, take the values, nothing else. Checksums as the daemon has them."""
    consumer = rd.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "check.crcs": True,
            "fetch.queue.backoff.ms": 10,
        }
    )
    with closing(consumer):
        consumer.assign([rd.TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        seen = 0
        while seen < events:
            seen += len([message.value() for message in consumer.consume(10_000, 0.2)])
        return seen


def decode_loop(path: Path, schema: pl.Schema, events: int) -> int:
    """The fields that the shipped rules need, out of blocks of the same lines, and nothing else."""
    seen = 0
    with path.open("rb") as file:
        while seen < events and (block := file.read(16 << 20)):
            block += file.readline()
            seen += pl.read_ndjson(block, schema=schema, ignore_errors=True).height
    return seen


def needed_schema(path: Path) -> pl.Schema:
    """The columns of the file that any of the shipped rules' fields is in, and the event time."""
    ruleset, _ = app.load_rules([app.shipped_rules()], SystemClock())
    fields = (*compile_plan(ruleset).projection.fields, "@timestamp")
    whole = pl.scan_ndjson(path, infer_schema_length=10_000).collect_schema()
    roots = {field.partition(".")[0] for field in fields}
    return pl.Schema({name: kind for name, kind in whole.items() if name in roots})


class Daemon:
    """A `privwatch run` over one topic, with the shipped rules and a new store."""

    def __init__(self, folder: Path, bootstrap: str, topic: str, client: str) -> None:
        self.store = folder / "store.db"
        config = folder / "privwatch.yml"
        source = {"bootstrap": bootstrap, "topics": [topic], "group": uuid.uuid4().hex, "client": client}
        told = {
            "sources": {"kafka": source},
            "store": str(self.store),
            "key": str(folder / "key"),
            "metrics": {"port": 0},
        }
        config.write_text(yaml.safe_dump(told), encoding="utf-8")
        command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, cwd=ROOT)

    def started(self) -> str:
        """Wait until it reads; gives the address of its page."""
        until = time.monotonic() + PATIENCE
        while (found := re.search(r"metrics on (http\S+)", self.log.read_text(errors="replace"))) is None:
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the daemon did not start: {self.log.read_text(errors='replace')}")
            time.sleep(0.02)
        return found[1]

    def stored(self) -> int:
        """Records that the store has positions of."""
        import sqlite3  # noqa: PLC0415 - as an outsider, so that the daemon is not asked

        try:
            with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
                return sum(row[0] for row in store.execute("SELECT next_position FROM checkpoint"))
        except sqlite3.OperationalError:
            return 0

    def wait(self, events: int) -> None:
        """Until so many are stored."""
        until = time.monotonic() + PATIENCE
        while self.stored() < events:
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"it ended: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def cpu_seconds(self) -> float:
        """Of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """As an operator does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextmanager
def daemon(bootstrap: str, topic: str, client: str) -> Iterator[Daemon]:
    """One that is stopped at the end."""
    with tempfile.TemporaryDirectory() as name:
        one = Daemon(Path(name), bootstrap, topic, client)
        try:
            yield one
        finally:
            one.stop()


def rate(bootstrap: str, topic: str, client: str, events: int) -> float:
    """Events per second of a backlog, from the first turn that is stored to the last."""
    with daemon(bootstrap, topic, client) as one:
        one.started()
        while (first := one.stored()) == 0:
            time.sleep(0.005)
        began = time.perf_counter()
        one.wait(events)
        return (events - first) / (time.perf_counter() - began)


def paced(kafka: Kafka, path: Path, per_second: float, client: str) -> tuple[float, float, float]:
    """Seconds from produced to stored at a rate, p50 and p99, then the CPU share while nothing comes."""
    topic = kafka.topic(PARTITIONS)
    with daemon(kafka.bootstrap, topic, client) as one:
        url = one.started()
        steps = PACED_SECONDS * 20
        size = max(PARTITIONS, round(per_second / 20))
        source = lines(path, steps * size)
        producer = rd.Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0})
        sent: list[tuple[int, float]] = []
        stored: list[tuple[int, float]] = []
        began, total = time.perf_counter(), 0
        for step in range(steps):
            for number, record in enumerate(islice(source, size)):
                producer.produce(topic, record, partition=number % PARTITIONS)
                total += 1
            producer.poll(0)
            sent.append((total, time.perf_counter()))
            while time.perf_counter() < began + (step + 1) / 20:
                stored.append((one.stored(), time.perf_counter()))
                time.sleep(0.01)
        producer.flush()
        while stored[-1][0] < total:
            stored.append((one.stored(), time.perf_counter()))
            time.sleep(0.01)
        took = list(_latencies(sent, stored))
        quantiles = statistics.quantiles(took[len(took) // 10 :], n=100)
        return quantiles[49], quantiles[98], _idle(one, url)


def _latencies(sent: list[tuple[int, float]], stored: list[tuple[int, float]]) -> Iterator[float]:
    """Of each step, from when its last record was handed to the producer to when all up to it were stored."""
    seen = iter(stored)
    count, at = next(seen)
    for total, when in sent:
        while count < total:
            count, at = next(seen)
        yield max(0.0, at - when)


def _idle(one: Daemon, url: str) -> float:
    """Percent of one core, with a scrape every five seconds as Prometheus would."""
    time.sleep(2)
    before, began = one.cpu_seconds(), time.perf_counter()
    while time.perf_counter() - began < IDLE_SECONDS:
        with urllib.request.urlopen(url, timeout=5) as page:
            page.read()
        time.sleep(5)
    return 100 * (one.cpu_seconds() - before) / (time.perf_counter() - began)


def timed(work: Callable[[], int], events: int) -> float:
    """Events per second; every event must have been seen."""
    began = time.perf_counter()
    seen = work()
    took = time.perf_counter() - began
    if seen < events:
        raise SystemExit(f"saw {seen} of {events} events: the figures would mean nothing")
    return events / took


def measure(kafka: Kafka, events: int, rounds: int) -> dict[str, float]:
    """Interleaved rounds of all loops, as medians and ratios."""
    path = events_file(events)
    topic = kafka.topic(PARTITIONS)
    produce(kafka.bootstrap, topic, lines(path, events))
    schema = needed_schema(path)
    loops: dict[str, Callable[[], float]] = {
        "poll": lambda: timed(lambda: poll_loop(kafka.bootstrap, topic, events), events),
        "daemon_kafka_python": lambda: rate(kafka.bootstrap, topic, "kafka-python", events),
        "consume": lambda: timed(lambda: consume_loop(kafka.bootstrap, topic, events), events),
        "decode": lambda: timed(lambda: decode_loop(path, schema, events), events),
        "daemon_librdkafka": lambda: rate(kafka.bootstrap, topic, "librdkafka", events),
    }
    found: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(rounds):
        for name, work in loops.items():
            found[name].append(work())
        print(f"round {turn + 1}: " + ", ".join(f"{name} {some[-1]:,.0f}/s" for name, some in found.items()))
    rates = {name: statistics.median(some) for name, some in found.items()}
    bound = min(rates["consume"], rates["decode"])
    top = max(rates["daemon_kafka_python"], rates["daemon_librdkafka"])
    p50, p99, idle = paced(kafka, path, top / 5, "librdkafka")
    return {
        **{f"{name}_events_per_s": round(value) for name, value in rates.items()},
        "kafka_python_over_poll": round(rates["daemon_kafka_python"] / rates["poll"], 3),
        "librdkafka_over_bound": round(rates["daemon_librdkafka"] / bound, 3),
        "paced_events_per_s": round(top / 5),
        "latency_p50_s": round(p50, 3),
        "latency_p99_s": round(p99, 3),
        "idle_cpu_percent": round(idle, 2),
    }


def verdict(figures: dict[str, float]) -> None:
    """Say of each target whether it is met."""
    for key, (relation, target) in TARGETS.items():
        met = figures[key] >= target if relation == ">=" else figures[key] < target
        print(f"{key} {figures[key]} ({'met' if met else 'MISSED'}: {relation} {target})")


@contextmanager
def broker(named: str | None) -> Iterator[Kafka]:
    """The broker that is named, or one of our own."""
    if named:
        yield Kafka(named)
        return
    if reason := kafka_jars.provision():
        raise SystemExit(f"no Apache Kafka here: {reason}")
    server = KafkaServer()
    try:
        server.start()
        yield Kafka(server.bootstrap)
    finally:
        server.close()


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bootstrap", help="a broker to use, host:port; else one is started")
    asked = parser.parse_args()
    with broker(asked.bootstrap) as kafka:
        figures = measure(kafka, asked.events, asked.rounds)
    verdict(figures)
    context = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": " ".join(["python", *sys.argv]),
        **machine(),
        "kafka": kafka_jars.VERSION,
        "kafka_python": kp.__version__,
        "confluent_kafka": rd.version(),
        "librdkafka": rd.libversion()[0],
    }
    print(json.dumps({"benchmark": "daemon", "events": asked.events, **figures, **context}))


if __name__ == "__main__":
    main()
