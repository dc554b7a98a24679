"""The oracle of correlations: plain loops over events, as docs/rules.md and engine/windows.py say.

Sums are fractions, windows are looked at one by one, nothing is shared between ticks.
"""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import polars as pl

from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.engine.plan import RulePlan, compile_plan
from monitor.frames import OFFSET, ROW, TIME
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Logsource, Position, Violation
from monitor.rules.tree import (
    Correlation,
    EventRule,
    ExistsTest,
    Header,
    Item,
    Privacy,
    Ref,
    RuleSet,
    Selection,
    Span,
    Threshold,
    WindowPolicy,
)

MICROS = 1_000_000
HERE = Span("made-up.yml", 1, 1)
KEYRING = Keyring(b"k" * 32)
BOUNDS = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge, "eq": operator.eq}
FIELDS = ("who", "where", "amount", "whose", "table")


@dataclass(frozen=True)
class Happening:
    """One event that matched the rule a correlation counts. `time` is microseconds, None if untimed."""

    partition: str
    offset: int
    time: int | None
    who: str | None = None
    where: str | None = None
    amount: str | None = None
    whose: str | None = None
    table: str | None = None


@dataclass(frozen=True)
class Episode:
    """What a violation must say; `seen` is exact."""

    group: int
    start: int
    count: int
    first: int
    last: int
    samples: tuple[Position, ...]
    subjects: tuple[int, ...]
    resource: str
    seen: float


def correlation(
    kind: str,
    bounds: Sequence[tuple[str, float]],
    *,
    group_by: tuple[str, ...] = ("who",),
    timespan: int = 4,
    resolution: int | None = None,
    lateness: int = 600,
) -> Correlation:
    """A correlation over the one rule of `base_plan`."""
    return Correlation(
        header=Header("made-up-correlation", "made up", HERE, "d"),
        type=kind,
        rules=("made-up-base",),
        group_by=group_by,
        timespan=timespan,
        threshold=Threshold(tuple(bounds), "" if kind == "event_count" else "amount"),
        privacy=Privacy(actor="who", subject="whose", resource="table"),
        window=WindowPolicy(resolution=resolution, lateness=lateness),
    )


@cache
def base_plan() -> RulePlan:
    """The compiled rule whose matches the correlations count."""
    item = Item("who", (ExistsTest(expected=True),), every=False, negated=False, span=HERE)
    rule = EventRule(
        Header("made-up-base", "made up", HERE, "d"),
        Logsource(),
        (Selection("one", ((item,),), HERE),),
        (Ref("one"),),
    )
    return compile_plan(RuleSet((rule,), (), (), "")).rules[0]


def matches(events: Sequence[Happening]) -> Matches:
    """The events as one batch in which every one of them matched."""
    rows = pl.Series(ROW, range(len(events)), dtype=pl.UInt32)
    context = pl.DataFrame(
        {
            ROW: rows,
            OFFSET: pl.Series([e.offset for e in events], dtype=pl.Int64),
            TIME: pl.Series([e.time for e in events], dtype=pl.Int64),
            **{f: pl.Series([getattr(e, f) for e in events], dtype=pl.String) for f in FIELDS},
        }
    )
    return Matches((base_plan(),), (rows,), {}, context)


def tick_seconds(one: Correlation) -> int:
    """A second up to an hour, a minute up to a day, an hour beyond, or as the rule says."""
    if one.window.resolution is not None:
        return one.window.resolution
    return 1 if one.timespan <= 3600 else 60 if one.timespan <= 86_400 else 3600


def amount_of(event: Happening) -> Fraction:
    """The number of an event; what is no number adds nothing."""
    try:
        return Fraction(event.amount or "")
    except ValueError:
        return Fraction(0)


def seen_in(one: Correlation, inside: Sequence[Happening]) -> Fraction:
    """The value of a window."""
    match one.type:
        case "event_count":
            return Fraction(len(inside))
        case "value_count":
            return Fraction(len({e.amount for e in inside}))
        case _:
            return sum((amount_of(e) for e in inside), Fraction(0))


def holds(one: Correlation, seen: Fraction) -> bool:
    """Whether the condition holds; bounds are the decimal numbers a person wrote."""
    return all(BOUNDS[op](seen, Fraction(str(bound))) for op, bound in one.threshold.bounds)


def episodes(one: Correlation, events: Iterable[Happening]) -> list[Episode]:
    """All episodes, by group and start."""
    groups: dict[tuple[str | None, ...], list[Happening]] = {}
    for event in events:
        group = tuple(getattr(event, field) for field in one.group_by)
        counts = event.time is not None and None not in group
        if counts and not (one.type == "value_count" and event.amount is None):
            groups.setdefault(group, []).append(event)
    found = [e for group, mine in groups.items() for e in _episodes_of(one, group, mine)]
    return sorted(found, key=lambda e: (e.group, e.start))


def _episodes_of(
    one: Correlation, group: tuple[str | None, ...], events: Sequence[Happening]
) -> Iterable[Episode]:
    step = tick_seconds(one) * MICROS
    span = -(-one.timespan // tick_seconds(one))
    by_tick: dict[int, list[Happening]] = {}
    for event in events:
        by_tick.setdefault((event.time or 0) // step, []).append(event)

    def within(low: int, high: int) -> list[Happening]:
        return [e for tick, some in by_tick.items() if low < tick <= high for e in some]

    runs: list[list[tuple[int, Fraction]]] = []
    for tick in sorted(by_tick):
        seen = seen_in(one, within(tick - span, tick))
        if not holds(one, seen):
            continue
        if runs and tick - runs[-1][-1][0] <= span:
            runs[-1].append((tick, seen))
        else:
            runs.append([(tick, seen)])
    for run in runs:
        start, end = run[0][0], run[-1][0]
        inside = within(start - span, end)
        times = [e.time or 0 for e in inside]
        whose = {KEYRING.number("subject", [e.whose]) for e in inside if e.whose is not None}
        yield Episode(
            group=KEYRING.number(f"group {one.header.id}", group or ("",)),
            start=start * step,
            count=len(inside),
            first=min(times),
            last=max(times),
            samples=tuple(sorted(Position(e.partition, e.offset) for e in inside)[:MAX_SAMPLES]),
            subjects=tuple(sorted(whose)[:MAX_SUBJECTS]),
            resource=", ".join(sorted({e.table for e in inside if e.table})[:3]),
            seen=float(max(seen for _, seen in run)),
        )


def said(one: Correlation, violation: Violation, groups: dict[str, int]) -> Episode:
    """A violation in the oracle's words; `groups` is group name to hash."""
    return Episode(
        group=groups[violation.group],
        start=violation.start if violation.start is not None else -1,
        count=violation.count,
        first=violation.first if violation.first is not None else -1,
        last=violation.last if violation.last is not None else -1,
        samples=violation.samples,
        subjects=violation.subjects,
        resource=violation.resource,
        seen=violation.value if violation.value is not None else float("nan"),
    )
