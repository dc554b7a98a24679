"""The scorecard of the detectors: what they find, what they find wrongly, and how fast, beside others.

    python benchmarks/detectors.py [--each N] [--seed looked-at|held-out] [--misses] [--no-peers]

Needs the group `bench` of pyproject.toml; labelled cases and logs of others come from the folder of fixtures,
and what of it is absent is named. The last line is one JSON object. Times are CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scorecard import hostile, others, peers  # noqa: E402 - the path first
from scorecard.cases import HELD_OUT, LOOKED_AT, Case  # noqa: E402
from scorecard.made import Maker  # noqa: E402

from monitor.demo import bulk  # noqa: E402
from monitor.detectors import CLASSES, find  # noqa: E402

DISCLOSED = ("raw", "encoded")
HOLD = {"email", "ip", "mac", "geo", "api_key", "card"}
"""Classes of which the sample logs do hold something: clients' addresses, keys of clouds, a test card."""
FOLDER = ROOT / ".cache" / "bench"
EVENTS = 100_000
SAMPLE = 1_500
"""Lines the others are timed on."""


def cpu_seconds(run: Callable[[], object], rounds: int = 3) -> float:
    """The least of some rounds."""
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        run()
        spent.append(time.process_time() - begin)
    return min(spent)


def ours(cases: Sequence[Case]) -> list[bool]:
    """Whether the class of each case is found in it, readable and somebody's."""
    told = [False] * len(cases)
    places: dict[str, list[int]] = defaultdict(list)
    for at, case in enumerate(cases):
        places[case.name].append(at)
    for name, at in places.items():
        texts = pl.Series([cases[i].text for i in at])
        found = find(texts, (name,), pl.Series([cases[i].path for i in at]), personal=True)
        for index in found.filter(pl.col("state").is_in(DISCLOSED))["index"].unique():
            told[at[index]] = True
    return told


def measures(cases: Sequence[Case], told: Iterable[bool]) -> dict[str, dict[str, float]]:
    """Recall, precision and false rate (the share of the look-alikes that are reported) by class."""
    counts: dict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    for case, found in zip(cases, told, strict=True):
        counts[case.name][case.personal, found] += 1
    return {name: _measures(count) for name, count in counts.items()}


def _measures(count: Counter[tuple[bool, bool]]) -> dict[str, float]:
    hit, missed = count[True, True], count[True, False]
    wrong, passed = count[False, True], count[False, False]
    told = {"cases": float(count.total())}
    if hit + missed:
        told["recall"] = hit / (hit + missed)
    if hit + wrong:
        told["precision"] = hit / (hit + wrong)
    if wrong + passed:
        told["false_rate"] = wrong / (wrong + passed)
    return {name: round(value, 4) for name, value in told.items()}


def misses(cases: Sequence[Case], told: Sequence[bool]) -> None:
    """Print the kinds that go wrong, with an example: only ever of the half that is looked at."""
    wrong = defaultdict(list)
    for case, found in zip(cases, told, strict=True):
        if found is not case.personal:
            wrong[case.name, case.kind, case.personal].append(case.text)
    for (name, kind, personal), texts in sorted(wrong.items()):
        print(f"{'missed' if personal else 'wrongly'} {name:10} {kind:30} {len(texts):4}  {texts[0][:150]!r}")


def on_logs(lines: Sequence[str]) -> dict[str, float]:
    """Lines per million in which each class reports something."""
    texts = pl.Series(lines)
    found = find(texts, ("every",), personal=True).filter(pl.col("state").is_in(DISCLOSED))
    counts = dict(found.group_by("detector").agg(pl.col("index").n_unique()).iter_rows())
    return {name: round(1e6 * counts.get(name, 0) / len(lines), 1) for name in CLASSES}


def rates(lines: Sequence[str], asked: dict[str, peers.Ask]) -> dict[str, float]:
    """Lines per CPU second: ours over all lines, the others over a sample spread over them."""
    texts = pl.Series(lines)
    told = {"privwatch": len(lines) / cpu_seconds(lambda: find(texts, peers.SHARED, personal=True))}
    told["privwatch, every class"] = len(lines) / cpu_seconds(lambda: find(texts, ("every",), personal=True))
    sample = lines[:: max(1, len(lines) // SAMPLE)]
    for name, ask in asked.items():
        told[name] = len(sample) / cpu_seconds(lambda ask=ask: [ask(line) for line in sample], 1)
    return {name: round(rate, 1) for name, rate in told.items()}


def events() -> tuple[bytes, list[str]]:
    """Made-up application records of some 500 bytes, kept in FOLDER."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"gates-{EVENTS}.ndjson"
    if not path.exists():
        bulk(path, EVENTS)
    data = path.read_bytes()
    return data, data.decode().splitlines()


def over_read_ndjson() -> dict[str, float]:
    """The whole catalogue over raw events of some 500 bytes, beside polars reading them."""
    data, lines = events()
    records = pl.Series(lines)
    reading = cpu_seconds(lambda: pl.read_ndjson(io.BytesIO(data)))
    finding = cpu_seconds(lambda: find(records, ("every",), personal=True))
    return {
        "read_ndjson_us": round(1e6 * reading / len(records), 2),
        "catalogue_us": round(1e6 * finding / len(records), 2),
        "catalogue_over_read_ndjson": round(reading / finding, 3),
    }


def beside(cases: Sequence[Case], asked: dict[str, peers.Ask]) -> dict[str, dict[str, dict[str, float]]]:
    """The same measures of the others, on the cases that are no matter of states or of fields' names."""
    shown = [case for case in cases if case.peers and case.name in peers.SHARED]
    told = {"privwatch": measures(shown, ours(shown))}
    for name, ask in asked.items():
        told[name] = measures(shown, [case.name in ask(case.text) for case in shown])
    return told


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=20, help="made-up cases of every kind")
    parser.add_argument("--seed", choices=("looked-at", "held-out"), default="held-out")
    parser.add_argument("--misses", action="store_true", help="print what goes wrong, of the looked-at half")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    for name in others.absent():
        print(f"skipped: {name} of the fixtures is absent (PRIVWATCH_FIXTURES names the folder)")
    held = options.seed == "held-out"
    lines = others.log_lines()
    made = Maker(HELD_OUT if held else LOOKED_AT, others.bare_lines()).cases(options.each)
    cases = [*made, *others.cases(held=held)]
    told = ours(cases)
    if options.misses and not held:
        misses(cases, told)
    result = scorecard(
        cases,
        told,
        lines,
        {} if options.no_peers else {"presidio": peers.presidio(), "scrubadub": peers.scrubadub()},
    )
    print(json.dumps({"half": options.seed, **result}))
    return 0


def scorecard(
    cases: Sequence[Case], told: Sequence[bool], lines: Sequence[str], asked: dict[str, peers.Ask]
) -> dict[str, Any]:
    """Everything measured, under flat names; tables are printed on the way."""
    result: dict[str, Any] = {}
    by_class = measures(cases, told)
    for name, values in sorted(by_class.items()):
        print(f"{name:20}" + "".join(f"  {key} {value:g}" for key, value in values.items()))
        result |= {f"{name}.{key}": value for key, value in values.items()}
    for who, theirs in beside(cases, asked).items():
        for name, values in theirs.items():
            print(f"{who:10} {name:8}" + "".join(f"  {key} {value:g}" for key, value in values.items()))
            result |= {f"{who}.{name}.{key}": value for key, value in values.items() if key != "cases"}
    if lines:
        per_million = on_logs(lines)
        print("lines per million of", len(lines), {k: v for k, v in per_million.items() if v})
        result |= {f"{name}.per_million_lines": value for name, value in per_million.items()}
        result["worst_per_million_lines"] = max(v for k, v in per_million.items() if k not in HOLD)
        speeds = rates(lines, asked)
        print("lines per CPU second", speeds)
        result |= {f"rate.{name}": value for name, value in speeds.items()}
        if "presidio" in speeds:
            result["over_presidio"] = round(speeds["privwatch"] / speeds["presidio"], 1)
    if "presidio" in asked:
        speeds = rates(events()[1], {"presidio": asked["presidio"]})
        print("events per CPU second", speeds)
        result["over_presidio_events"] = round(speeds["privwatch"] / speeds["presidio"], 1)
    result |= over_read_ndjson()
    worst = hostile.ratios()
    print("a hostile line's cost per byte, in ordinary ones:", worst[:8])
    return result | {"hostile_worst": worst[0][2], "hostile_worst_case": f"{worst[0][0]}: {worst[0][1]}"}


if __name__ == "__main__":
    sys.exit(main())
