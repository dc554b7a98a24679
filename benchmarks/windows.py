"""What correlations cost beside a stream: sliding count, sum and distinct count, few groups and many.

    python benchmarks/windows.py [--events N] [--minutes M] [--types T…] [--groups G…]

Each type takes the events of an hour in batches of 50,000, as a running daemon does after its rules matched
them: panes, windows of ten minutes, episodes and segments, written to a new SQLite store turn by turn. The
yardstick is polars' group-by of the same batches by group and second, which remembers nothing.

The last line is one JSON object: `TYPE GROUPS` to [events a second, those of the group-by, ratio, bytes held
at the end for each group seen, rows the store wrote a second]; `peak_mb` is that of the process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from monitor.engine.deltas import delta
from monitor.engine.keys import KEY_BYTES, Keyring
from monitor.engine.match import Matches
from monitor.engine.plan import RulePlan, compile_plan
from monitor.frames import OFFSET, ROW, TIME
from monitor.model import Turn
from monitor.pipeline.correlate import LiveWindows
from monitor.rules.ruleset import load
from monitor.rules.tree import Correlation
from monitor.store.repository import open_store

BATCH = 50_000
BUSY = 10
"""Groups that every hundredth event is of besides: they reach the floor, the others do not."""
NOON = 1_794_830_400_000_000
MINUTE = 60_000_000
RULES = """title: Read
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c31
name: read
level: low
logsource: {{category: application}}
detection: {{one: {{act: read}}, condition: one}}
---
title: Counted
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c39
name: counted
level: low
correlation:
    type: {kind}
    rules: [read]
    group-by: [user]
    timespan: 10m
    condition: {{{field}gte: {floor}}}
"""
TYPES = {
    "count": ("event_count", ""),
    "sum": ("value_sum", "field: rows, "),
    "distinct": ("value_count", "field: id, "),
}


def compiled(kind: str, field: str, folder: Path, events: int, minutes: int) -> tuple[RulePlan, Correlation]:
    """The counted rule and its correlation, with a floor of half of what busy groups do in ten minutes."""
    floor = events * 10 // (minutes * 100 * BUSY * 2) * (25 if kind == "value_sum" else 1)
    path = folder / f"{kind}.yml"
    path.write_text(RULES.format(kind=kind, field=field, floor=floor), encoding="utf-8")
    ruleset, diagnostics = load([path], dt.date(2026, 11, 25))
    if ruleset is None:
        raise SystemExit("\n".join(each.render() for each in diagnostics))
    return compile_plan(ruleset).rules[0], ruleset.correlations[0]


def batches(events: int, groups: int, minutes: int) -> list[pl.DataFrame]:
    """Events of so many minutes in the order of their times, each of a group drawn at random."""
    found = []
    for first in range(0, events, BATCH):
        count = min(BATCH, events - first)
        rows = pl.int_range(first, first + count, eager=True)
        draw = pl.select(
            pl.when(rows % 100 == 0).then(rows.hash(6) % BUSY).otherwise(rows.hash(7) % groups)
        ).to_series()
        found.append(
            pl.DataFrame(
                {
                    ROW: pl.int_range(0, count, eager=True).cast(pl.UInt32),
                    OFFSET: rows,
                    TIME: NOON + rows * (minutes * MINUTE // events),
                    "user": ("user" + draw.cast(pl.String)),
                    "rows": (rows % 50).cast(pl.String),
                    "id": ("C" + (rows.hash(8) % 5000).cast(pl.String)),
                }
            )
        )
    return found


def bare(frames: list[pl.DataFrame], kind: str) -> float:
    """Seconds of polars' group-by alone."""
    told = {
        "event_count": pl.len(),
        "value_sum": pl.col("rows").cast(pl.Float64).sum(),
        "value_count": pl.col("id").n_unique(),
    }[kind]
    began = time.perf_counter()
    for frame in frames:
        frame.group_by("user", pl.col(TIME).floordiv(1_000_000)).agg(told)
    return time.perf_counter() - began


def ours(
    frames: list[pl.DataFrame], plan: RulePlan, one: Correlation, folder: Path
) -> tuple[float, int, int]:
    """Seconds of the windows, bytes they hold at the end, rows written to the store."""
    store = open_store(folder / "store.db")
    keyring = Keyring(bytes(KEY_BYTES))
    windows = LiveWindows([one], keyring, store)
    rows = 0
    began = time.perf_counter()
    for frame in frames:
        matches = Matches((plan,), (frame[ROW],), {}, frame).placed("p")
        windows.take("p", [delta(one, matches, keyring)], int(frame[TIME][-1]), ())
        drained = windows.drain()
        rows += len(drained.segments) + sum(len(e.violations) for e in drained.episodes)
        windows.wrote(
            store.write(Turn(episodes=drained.episodes, segments=drained.segments, seen=drained.seen))
        )
    took = time.perf_counter() - began
    held = windows.size()
    store.close()
    return took, held, rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=int, default=60, help="of event time; 10: all is remembered")
    parser.add_argument("--types", nargs="*", default=list(TYPES), choices=list(TYPES))
    parser.add_argument("--groups", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    found: dict[str, list[float]] = {}
    for groups in options.groups:
        frames = batches(options.events, groups, options.minutes)
        for name in options.types:
            kind, field = TYPES[name]
            with tempfile.TemporaryDirectory() as folder:
                plan, one = compiled(kind, field, Path(folder), options.events, options.minutes)
                yardstick = bare(frames, kind)
                took, held, rows = ours(frames, plan, one, Path(folder))
            seen = min(groups, options.events)
            figures = [
                options.events / took,
                options.events / yardstick,
                yardstick / took,
                held / seen,
                rows / took,
            ]
            found[f"{name} {groups}"] = [round(figure, 3) for figure in figures]
            print(
                f"{name:9}{groups:>10,} groups  {figures[0]:>10,.0f} events/s, {figures[2]:.3f} of the"
                f" group-by's, {figures[3]:,.0f} bytes a group, {figures[4]:.1f} rows/s"
            )
    found["peak_mb"] = [round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)]
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
