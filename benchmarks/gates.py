"""What the prefilter of each detector class costs over the raw text of records, and how many it lets pass.

    python benchmarks/gates.py [--events N] [CLASS…]

The last line is one JSON object: class to [thousand records a second, share that passes].
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import polars as pl

from monitor.demo import bulk
from monitor.detectors import CLASSES, GROUPS, prefilter

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "bench"
ROUNDS = 3


def measured(records: pl.DataFrame, name: str) -> tuple[float, float]:
    """Thousand records a second, best of some rounds; share of the records that pass."""
    best, passing = float("inf"), 0.0
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        passed = records.select(prefilter((name,)).records(pl.col("raw")).alias("passed"))["passed"]
        best, passing = min(best, time.perf_counter() - begin), float(passed.sum()) / records.height
    return records.height / best / 1_000, passing


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("classes", nargs="*", default=[*CLASSES, *GROUPS])
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"gates-{options.events}.ndjson"
    if not path.exists():
        bulk(path, options.events)
    records = pl.DataFrame({"raw": path.read_text(encoding="utf-8").splitlines()})
    found = {}
    for name in options.classes:
        speed, passing = measured(records, name)
        found[name] = [round(speed), round(passing, 5)]
        print(f"{name:20} {speed:8.0f} k records/s   lets pass {100 * passing:7.3f} %")
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
