"""The oracle of correlations: plain loops over events, as docs/rules.md and engine/windows.py say.

Sums are fractions, windows are looked at one by one, nothing is shared between ticks.
"""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import product

import polars as pl

from monitor.engine.deltas import delta
from monitor.engine.keys import Keyring
from monitor.engine.match import FURTHER, Matches
from monitor.engine.plan import RulePlan, compile_plan
from monitor.frames import OFFSET, ROW, TEXT, TIME
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Logsource, Position, Violation
from monitor.rules.tree import (
    Alias,
    And,
    Condition,
    Correlation,
    EventRule,
    ExistsTest,
    Header,
    Item,
    Not,
    Or,
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
BOUNDS = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}
FIELDS = ("who", "where", "amount", "whose", "table")
RULES = ("made-up-base", "made-up-second", "made-up-third")
TEMPORAL = ("temporal", "temporal_ordered")
COUNTED = {"temporal": 3, "temporal_ordered": 3, "ratio": 3, "absence": 2}
"""Type to how many of RULES it names; one unless it is here."""


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
    rules: tuple[str, ...] = RULES[:1]
    of: tuple["Happening", ...] = ()
    """Of an episode of an inner correlation, which counts as one event: its events."""


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
    bounds: Sequence[tuple[str, float]] = (),
    *,
    group_by: tuple[str, ...] = ("who",),
    timespan: int = 4,
    resolution: int | None = None,
    lateness: int = 600,
    window: str = "sliding",
    hop: int | None = None,
    percentile: int = 0,
    history: int = 0,
    min_history: int = 0,
    when: Condition | None = None,
    aliases: tuple[Alias, ...] = (),
) -> Correlation:
    """A correlation over the first of RULES, or over all of them where it is temporal or has aliases."""
    return Correlation(
        header=Header("made-up-correlation", "made up", HERE, "d"),
        type=kind,
        rules=RULES if aliases else RULES[: COUNTED.get(kind, 1)],
        group_by=group_by,
        timespan=timespan,
        threshold=Threshold(
            tuple(bounds),
            "" if kind in ("event_count", "ratio", "absence", *TEMPORAL) else "amount",
            events=2 if kind == "ratio" else 0,
            percentile=percentile,
            history=history if kind == "new_value" else 0,
            min_history=min_history if kind == "new_value" else 0,
            when=when,
            text="as it is written" if when else "",
        ),
        privacy=Privacy(actor="who", subject="whose", resource="table"),
        window=WindowPolicy(window, resolution, lateness, hop),
        aliases=aliases,
    )


@cache
def base_plans() -> tuple[RulePlan, ...]:
    """The compiled rules whose matches the correlations count."""
    item = Item("who", (ExistsTest(expected=True),), every=False, negated=False, span=HERE)
    rules = tuple(
        EventRule(
            Header(name, "made up", HERE, "d"),
            Logsource(),
            (Selection("one", ((item,),), HERE),),
            (Ref("one"),),
        )
        for name in RULES
    )
    return compile_plan(RuleSet(rules, (), (), "")).rules


def matches(events: Sequence[Happening], further: Sequence[tuple[int, str, str]] = ()) -> Matches:
    """The events as one batch, each matched by its rules; `further` are values after the first, by row."""
    context = pl.DataFrame(
        {
            ROW: pl.Series(ROW, range(len(events)), dtype=pl.UInt32),
            OFFSET: pl.Series([e.offset for e in events], dtype=pl.Int64),
            TIME: pl.Series([e.time for e in events], dtype=pl.Int64),
            **{f: pl.Series([getattr(e, f) for e in events], dtype=pl.String) for f in FIELDS},
        }
    )
    rows = tuple(
        pl.Series(ROW, [row for row, e in enumerate(events) if name in e.rules], dtype=pl.UInt32)
        for name in RULES
    )
    others = pl.DataFrame(
        list(further), schema=dict(zip((ROW, "field", TEXT), FURTHER.values(), strict=True)), orient="row"
    )
    return Matches(base_plans(), rows, {}, context, others)


def tick_seconds(one: Correlation) -> int:
    """A second up to an hour, a minute up to a day, an hour beyond, or as the rule says."""
    if one.window.resolution is not None:
        return one.window.resolution
    return 1 if one.timespan <= 3600 else 60 if one.timespan <= 86_400 else 3600


def amount_of(event: Happening) -> Fraction | None:
    """The number of an event, if it is one."""
    try:
        return Fraction(event.amount or "")
    except ValueError:
        return None


def seen_in(one: Correlation, inside: Sequence[Happening]) -> Fraction | None:
    """The value of a window; None where it has none."""
    numbers = sorted(n for e in inside if (n := amount_of(e)) is not None)
    match one.type:
        case "event_count" | "absence":
            return Fraction(len(inside))
        case "ratio":
            first = sum(one.rules[0] in e.rules for e in inside)
            return Fraction(first, len(inside)) if len(inside) >= one.threshold.events else None
        case "value_count" | "new_value":
            return Fraction(len({getattr(e, one.threshold.field) for e in inside}))
        case "value_sum":
            return sum(numbers, Fraction(0))
        case "value_avg":
            return sum(numbers) / Fraction(len(numbers)) if numbers else None
        case "value_median":
            half = len(numbers) // 2
            return (numbers[half] + numbers[~half]) / 2 if numbers else None
        case "value_percentile":
            ranked = (
                n
                for n in numbers
                if 100 * sum(m <= n for m in numbers) >= one.threshold.percentile * len(numbers)
            )
            return next(ranked, None)
        case "temporal":
            return Fraction(sum(any(rule in e.rules for e in inside) for rule in one.rules))
        case _:
            wanted = in_order(one)
            return Fraction(max(n for n in range(len(wanted) + 1) if one_after_the_other(wanted[:n], inside)))


def in_order(one: Correlation) -> tuple[str, ...]:
    """The rules that have to match in their order: those that the condition wants."""
    when = one.threshold.when
    operands = () if when is None else when.operands if isinstance(when, And) else (when,)
    wanted = {o.name for o in operands if isinstance(o, Ref)} or set(one.rules)
    return tuple(rule for rule in one.rules if rule in wanted)


def one_after_the_other(rules: Sequence[str], inside: Sequence[Happening]) -> bool:
    """Whether there is an event for each rule, none before that of the rule before."""
    times = [sorted({e.time or 0 for e in inside if rule in e.rules}) for rule in rules]
    return any(list(some) == sorted(some) for some in product(*times))


def holds(one: Correlation, seen: Fraction | None, inside: Sequence[Happening]) -> bool:
    """Whether the condition holds; bounds are the decimal numbers a person wrote."""
    when = one.threshold.when
    if when is not None:
        complete = one.type == "temporal" or seen == len(in_order(one))
        return complete and said_of(when, {rule for e in inside for rule in e.rules})
    return seen is not None and all(
        BOUNDS[op](seen, Fraction(str(bound))) for op, bound in one.threshold.bounds
    )


def said_of(when: Condition, matched: set[str]) -> bool:
    match when:
        case Ref(name):
            return name in matched
        case Not(operand):
            return not said_of(operand, matched)
        case And(operands):
            return all(said_of(o, matched) for o in operands)
        case Or(operands):
            return any(said_of(o, matched) for o in operands)


def episodes(one: Correlation, events: Iterable[Happening]) -> list[Episode]:
    """All episodes, by group and start."""
    found = (
        _episode(one, group, mine, run)
        for group, mine in grouped(one, events).items()
        for run in runs(one, mine)
    )
    return sorted(found, key=lambda e: (e.group, e.start))


def grouped(one: Correlation, events: Iterable[Happening]) -> dict[tuple[str | None, ...], list[Happening]]:
    """What each group counts: events, and episodes of inner correlations at their starts."""
    plain = list(events)
    events = list(plain)
    for inner in one.inner:
        step = tick_seconds(inner) * MICROS
        events += [
            Happening(
                time=run[0][0].start * step,
                rules=(inner.header.id,),
                of=tuple(_inside(inner, mine, run)),
                partition="",
                offset=0,
                **dict(zip(inner.group_by, group, strict=True)),
            )
            for group, mine in grouped(inner, plain).items()
            for run in runs(inner, mine)
        ]
    groups: dict[tuple[str | None, ...], list[Happening]] = {}
    for event in events:
        read: dict[tuple[str | None, ...], list[str]] = {}
        for rule in (r for r in one.rules if r in event.rules):
            group = tuple(getattr(event, one.own_name(field, rule)) for field in one.group_by)
            read.setdefault(group, []).append(rule)
        for group, rules in read.items():
            counts = event.time is not None and None not in group
            missing = one.type in ("value_count", "new_value") and getattr(event, one.threshold.field) is None
            if counts and not missing:
                groups.setdefault(group, []).append(replace(event, rules=tuple(rules)))
    if one.type == "absence":
        now = max((e.time for e in plain if e.time is not None), default=0)
        groups = {g: kept for g, mine in groups.items() if (kept := unanswered(one, mine, now))}
    if one.type == "new_value":
        groups = {group: kept for group, mine in groups.items() if (kept := new_ones(one, mine))}
    return groups


def unanswered(one: Correlation, events: Sequence[Happening], now: int) -> list[Happening]:
    """The events of the first rule after which none of the others came in time, once that is certain."""
    first, *others = one.rules
    span = one.timespan * MICROS

    def answers(event: Happening, other: Happening) -> bool:
        apart = other.time - event.time
        if not others:
            return 0 < apart <= span
        return 0 <= apart <= span and not set(others).isdisjoint(other.rules)

    return [
        event
        for event in events
        if first in event.rules
        and event.time + span + one.window.lateness * MICROS < now
        and not any(answers(event, other) for other in events)
    ]


def new_ones(one: Correlation, events: Sequence[Happening]) -> list[Happening]:
    """The events whose value none of the group's had in the history before, where the group was there."""
    step = tick_seconds(one)
    history = -(-(one.threshold.history or one.timespan) // step)
    least = max(1, -(-one.threshold.min_history // step))
    found = []
    for event in events:
        now = (event.time or 0) // (step * MICROS)
        ago = [(now - (e.time or 0) // (step * MICROS), e.amount) for e in events]
        same = any(1 <= n <= history and amount == event.amount for n, amount in ago)
        if not same and any(least <= n <= history for n, _ in ago):
            found.append(event)
    return found


@dataclass(frozen=True)
class Window:
    """First and last tick, and where an episode starts that it is the first window of."""

    begins: int
    end: int
    start: int


def windows(one: Correlation, ticks: Sequence[int]) -> Iterator[Window]:
    """Every window that holds one of these ticks (sorted, each once), in their order."""
    step = tick_seconds(one)
    span = -(-one.timespan // step)
    match one.window.kind:
        case "sliding":
            yield from (Window(t - span + 1, t, t) for t in ticks)
        case "session":
            firsts = [t for t in ticks if t - max((o for o in ticks if o < t), default=t - span - 1) > span]
            for first, following in zip(firsts, [*firsts[1:], None], strict=True):
                last = max(t for t in ticks if following is None or t < following)
                yield Window(first, last, first)
        case kind:
            hop = span if kind == "tumbling" else -(-(one.window.hop or 0) // step)
            begins = range((ticks[0] - span) // hop * hop, ticks[-1] + 1, hop)
            yield from (Window(b, b + span - 1, b) for b in begins if any(b <= t < b + span for t in ticks))


Run = list[tuple[Window, Fraction]]
"""The windows of an episode, and what each holds."""


def _within(one: Correlation, events: Sequence[Happening], low: int, high: int) -> list[Happening]:
    step = tick_seconds(one) * MICROS
    return [e for e in events if low <= (e.time or 0) // step <= high]


def runs(one: Correlation, events: Sequence[Happening]) -> list[Run]:
    """The episodes of a group."""
    step = tick_seconds(one) * MICROS
    span = -(-one.timespan // tick_seconds(one))
    found: list[Run] = []
    for window in windows(one, sorted({(e.time or 0) // step for e in events})):
        inside = _within(one, events, window.begins, window.end)
        seen = seen_in(one, inside)
        if not holds(one, seen, inside):
            continue
        last = found[-1][-1][0] if found else None
        near = one.window.kind == "sliding" and last is not None and window.end - last.end <= span
        if last is not None and (near or (one.window.kind == "hopping" and window.begins <= last.end)):
            found[-1].append((window, seen or Fraction(0)))
        else:
            found.append([(window, seen or Fraction(0))])
    return found


def _inside(one: Correlation, events: Sequence[Happening], run: Run) -> list[Happening]:
    return _within(one, events, run[0][0].begins, run[-1][0].end)


def _episode(
    one: Correlation, group: tuple[str | None, ...], events: Sequence[Happening], run: Run
) -> Episode:
    counted = _inside(one, events, run)
    inside = [e for unit in counted for e in unit.of or (unit,)]
    times = [e.time or 0 for e in inside]
    whose = {KEYRING.number("subject", [e.whose]) for e in inside if e.whose is not None}
    return Episode(
        group=KEYRING.number(f"group {one.header.id}", group or ("",)),
        start=run[0][0].start * tick_seconds(one) * MICROS,
        count=len(counted),
        first=min(times),
        last=max(times),
        samples=tuple(sorted({Position(e.partition, e.offset) for e in inside})[:MAX_SAMPLES]),
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


def deltas(one: Correlation, events: Sequence[Happening]) -> list[pl.DataFrame]:
    """What a turn takes in of a batch of one partition."""
    return [delta(one, matches(list(events)).placed(events[0].partition), KEYRING)]
