"""How fast and how small `privwatch replay` is, beside a bare `pl.read_ndjson` of the same file.

    python benchmarks/replay.py                 1 M events, five rounds
    python benchmarks/replay.py --large         also the peak memory over 3 GB

benchmarks/README.md says how to read the figures. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from monitor import app
from monitor.demo import bulk

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "bench"
CHUNK = 16 << 20
LARGE_BYTES = 3_000_000_000
TARGETS = {
    "ndjson_over_read_ndjson": (">=", 0.8),
    "parquet_over_ndjson": (">=", 2.5),
    "peak_rss_mb": ("<", 700),
}


def events_file(events: int, seed: int = 1) -> Path:
    """The generated NDJSON file, made once and kept."""
    path = CACHE / f"events-{events}-{seed}.ndjson"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        partial = path.with_suffix(".partial")
        bulk(partial, events, seed)
        partial.rename(path)
        print(f"made {path.relative_to(ROOT)} in {time.perf_counter() - started:.1f} s", flush=True)
    return path


def parquet_of(ndjson: Path, schema: pl.Schema) -> Path:
    """The same events with all their columns as Parquet."""
    path = ndjson.with_suffix(".parquet")
    if not path.exists():
        pl.scan_ndjson(ndjson, schema=schema).sink_parquet(path, row_group_size=1 << 16)
    return path


def chunks(path: Path) -> Iterator[bytes]:
    """Blocks of about 16 MB that end with a line."""
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            yield block + file.readline()


def bare(path: Path, schema: pl.Schema) -> int:
    """The yardstick: every field of every event to a polars column, and nothing more."""
    return sum(pl.read_ndjson(block, schema=schema, ignore_errors=True).height for block in chunks(path))


def replay(path: Path) -> int:
    """The whole command in this process: shipped rules, a new store; gives the number of events it read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = app.ReplayOptions(
            inputs=(str(path),),
            rules=(app.shipped_rules(),),
            store=folder / "bench.db",
            key=folder / "bench.key",
        )
        return app.replay(options).events


def seconds(work: Callable[[], int], events: int) -> float:
    """How long it takes; every event must have been seen."""
    started = time.perf_counter()
    seen = work()
    took = time.perf_counter() - started
    if seen != events:
        raise SystemExit(f"saw {seen} of {events} events: the figures would mean nothing")
    return took


def peak_rss_mb(path: Path) -> float:
    """Peak resident memory of a replay in a process of its own.

    VmHWM is that of the new program; `ru_maxrss` would carry over from this one.
    """
    command = [sys.executable, __file__, "--only-replay", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def only_replay(path: Path) -> None:
    """Replay, then print this process's peak memory in megabytes (10^6 bytes)."""
    replay(path)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    high_water = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(int(high_water.split()[1]) * 1024 / 1e6)


def machine() -> dict[str, object]:
    """What the absolute figures depend on."""
    return {
        "system": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
        "polars": pl.__version__,
    }


def measure(events: int, rounds: int) -> dict[str, float]:
    """Interleaved rounds of the three loops, as medians and ratios."""
    ndjson = events_file(events)
    schema = pl.scan_ndjson(ndjson, infer_schema_length=None).collect_schema()
    parquet = parquet_of(ndjson, schema)
    loops: dict[str, Callable[[], int]] = {
        "read_ndjson": lambda: bare(ndjson, schema),
        "replay_ndjson": lambda: replay(ndjson),
        "replay_parquet": lambda: replay(parquet),
    }
    took: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(rounds):
        for name, work in loops.items():
            took[name].append(seconds(work, events))
        print(f"round {turn + 1}: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in took.items()))
    rate = {name: events / statistics.median(times) for name, times in took.items()}
    return {
        "bytes_per_event": round(ndjson.stat().st_size / events, 1),
        **{f"{name}_events_per_s": round(value) for name, value in rate.items()},
        "ndjson_over_read_ndjson": round(rate["replay_ndjson"] / rate["read_ndjson"], 3),
        "parquet_over_ndjson": round(rate["replay_parquet"] / rate["replay_ndjson"], 3),
        "peak_rss_mb": round(peak_rss_mb(ndjson)),
    }


def large(events: int) -> dict[str, float]:
    """Peak memory over an input of 3 GB."""
    size = events_file(events).stat().st_size
    path = events_file(round(LARGE_BYTES / (size / events)))
    peak = round(peak_rss_mb(path))
    return {"large_bytes": path.stat().st_size, "large_peak_rss_mb": peak}


def verdict(figures: dict[str, float]) -> None:
    """Say of each target whether it is met."""
    for name, (relation, target) in TARGETS.items():
        for key in (name, f"large_{name}"):
            if key in figures:
                met = figures[key] >= target if relation == ">=" else figures[key] < target
                print(f"{key} {figures[key]} ({'met' if met else 'MISSED'}: {relation} {target})")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="also the peak memory over 3 GB")
    parser.add_argument("--only-replay", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only_replay:
        only_replay(asked.only_replay)
        return
    figures = measure(asked.events, asked.rounds)
    if asked.large:
        figures |= large(asked.events)
    verdict(figures)
    context = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": " ".join(["python", *sys.argv]),
        **machine(),
    }
    print(json.dumps({"benchmark": "replay", "events": asked.events, **figures, **context}))


if __name__ == "__main__":
    main()
