"""Writes the logs of some days: ordinary traffic, and the planted cases among it."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from operator import itemgetter
from pathlib import Path

from monitor.demo import access, application, database
from monitor.demo.application import Record
from monitor.demo.bulk_reads import bulk_reads
from monitor.demo.cases import ACCESS, APPLICATION, DATABASE, Case, Entry
from monitor.demo.company import company, seeded
from monitor.demo.in_clear import in_clear
from monitor.demo.manifest import Manifest, Planted
from monitor.demo.processing import processing
from monitor.demo.rhythm import Period
from monitor.demo.unanonymised import unanonymised
from monitor.demo.unencrypted import unencrypted

MONDAY = date(2026, 11, 16)


def generate(
    folder: Path,
    *,
    seed: int = 1,
    start: date = MONDAY,
    days: int = 7,
    events_per_day: int = 12_000,
    planted: bool | Collection[str] = True,
) -> Manifest:
    """Write three logs into `folder`; the same arguments give the same bytes.

    `application.ndjson` holds about 60 % of the events, `access.log` (Combined) 25 %, `database.ndjson` 15 %.
    Lines are in time order, times are UTC. Ordinary people keep to quotas of an hour, so that whatever the
    number of events a day, only planted cases reach the shipped rules' floors.

    Args:
        folder: made where absent; files of the same names are replaced.
        seed: any integer.
        start: the first day.
        days: at least 1.
        events_per_day: ordinary events, on average over the days; planted cases (about 1,300) come on top.
        planted: False leaves ordinary traffic only, in which no shipped rule may report anything; with names
            of rules only the cases of these are planted.

    Raises:
        ValueError: `days` or `events_per_day` is below 1.
        OSError: the folder cannot be written.
    """
    if days < 1 or events_per_day < 1:
        raise ValueError(f"days and events_per_day must be at least 1, not {days} and {events_per_day}")
    folder.mkdir(parents=True, exist_ok=True)
    period = Period(start, days)
    cases = _cases(seed, period) if planted else []
    if not isinstance(planted, bool):
        cases = [case for case in cases if case.rule in planted]
    files: list[tuple[str, int]] = []
    found: list[Planted] = []
    for name, entries in _ordinary(seed, period, days * events_per_day).items():
        here = [case for case in cases if case.file == name]
        height, lines = _write(folder / name, entries, here)
        files.append((name, height))
        found += [
            Planted(case.rule, case.kind, case.file, case.actor, numbers, case.note)
            for case, numbers in zip(here, lines, strict=True)
        ]
    found.sort(key=lambda one: (one.rule, one.actor))
    return Manifest(seed, start.isoformat(), days, tuple(files), tuple(found))


def _cases(seed: int, period: Period) -> list[Case]:
    return [
        *unencrypted(seed, period),
        *unanonymised(seed, period),
        *in_clear(seed, period),
        *processing(seed, period),
        *bulk_reads(seed, period, company()),
    ]


def _ordinary(seed: int, period: Period, total: int) -> dict[str, list[Entry]]:
    cast = company()
    return {
        APPLICATION: [*application.ordinary(seeded(seed, APPLICATION), period, cast, round(total * 0.6))],
        ACCESS: [*access.ordinary(seeded(seed, ACCESS), period, round(total * 0.25))],
        DATABASE: [*database.ordinary(seeded(seed, DATABASE), period, cast, round(total * 0.15))],
    }


def _text(made: Record | str) -> str:
    return made if isinstance(made, str) else json.dumps(made, separators=(",", ":"), ensure_ascii=False)


def _write(path: Path, entries: list[Entry], cases: list[Case]) -> tuple[int, list[tuple[int, ...]]]:
    """Write one log in time order; gives the number of lines, and the line numbers of each case."""
    tagged = [(when, made, -1) for when, made in entries]
    tagged += [(when, made, number) for number, case in enumerate(cases) for when, made in case.entries]
    tagged.sort(key=itemgetter(0))
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(_text(made) + "\n" for _, made, _ in tagged)
    lines: list[list[int]] = [[] for _ in cases]
    for offset, (_, _, number) in enumerate(tagged):
        if number >= 0:
            lines[number].append(offset)
    return len(tagged), [tuple(numbers) for numbers in lines]
