"""Many application records fast, for benchmarks: prototypes with their identifiers and times drawn anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import polars as pl

from monitor.demo import application
from monitor.demo.application import Record
from monitor.demo.cases import APPLICATION
from monitor.demo.company import company, hex_id, seeded
from monitor.demo.rhythm import DAY, Period
from monitor.demo.unanonymised import unanonymised
from monitor.demo.unencrypted import unencrypted
from monitor.demo.week import MONDAY

_PROTOTYPES = 20_000
_CHUNK = 100_000
_PIECES = 1 << 16
_LEAKING = 1 / 2_000
_CUT = "<>"


def bulk(path: Path, events: int, seed: int = 1) -> None:
    """Write `events` application records of about 500 bytes as NDJSON, in time order over one day.

    One record in 2,000 is a leak of the kinds that `generate` plants, about one in seventeen holds protected
    personal data or something that resembles an address. The same arguments give the same bytes. Memory stays
    bounded whatever the number of events.

    Raises:
        OSError: the file cannot be written.
    """
    stock = _stock(seed)
    with path.open("wb") as out:
        for first in range(0, events, _CHUNK):
            numbers = range(first, min(first + _CHUNK, events))
            times = [stock.start + number * DAY // events for number in numbers]
            out.write(_lines(seeded(seed, "chunk", first), stock, times).encode())


@dataclass(frozen=True)
class _Stock:
    """Prototypes cut in four where time, trace and span stand, ordinary ones first; pieces of ids."""

    start: int
    prototypes: pl.DataFrame
    ordinary: int
    pieces: pl.Series


def _stock(seed: int) -> _Stock:
    period, rng = Period(MONDAY, 1), seeded(seed, "prototypes")
    ordinary = [made for _, made in application.ordinary(rng, period, company(), _PROTOTYPES)]
    cases = [
        case for case in (*unencrypted(seed, period), *unanonymised(seed, period)) if case.file == APPLICATION
    ]
    leaking = [made for case in cases for _, made in case.entries if isinstance(made, dict)]
    prototypes = pl.DataFrame(
        [_cut(made) for made in (*ordinary, *leaking)], schema=["head", "mid", "gap", "tail"], orient="row"
    )
    pieces = pl.Series([hex_id(rng, 64) for _ in range(_PIECES)])
    return _Stock(period.start, prototypes, len(ordinary), pieces)


def _cut(made: Record) -> list[str]:
    blank = {**made, "@timestamp": _CUT, "trace": {"id": _CUT}, "span": {"id": _CUT}}
    return json.dumps(blank, separators=(",", ":")).split(_CUT)


def _lines(rng: Random, stock: _Stock, times: list[int]) -> str:
    """As many lines as `times` (microseconds), each a prototype with new identifiers."""
    known, ordinary = stock.prototypes.height, stock.ordinary
    chosen = [
        rng.randrange(ordinary, known) if rng.random() < _LEAKING else int(rng.random() * ordinary)
        for _ in times
    ]
    drawn = {
        name: stock.pieces[rng.choices(range(_PIECES), k=len(times))] for name in ("high", "low", "span")
    }
    when = pl.from_epoch(pl.Series(times), "us").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    frame = stock.prototypes[chosen].with_columns(**drawn, when=when)
    order = ("head", "when", "mid", "high", "low", "gap", "span", "tail")
    return str(frame.select(pl.concat_str(*order, pl.lit("\n")).str.join("")).item())
