"""Baselines and the store: learning the habits of an archive, and asking what is normal.

A part of the composition root.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from monitor.app import REPLAY_BATCHES, Progress, load_rules
from monitor.archives import archive_of, claimed, forget_outdated, keyring_for
from monitor.clock import SystemClock
from monitor.decode import AUTO, decoder
from monitor.detecting import Detection
from monitor.engine.baseline.facts import HOURS_A_DAY, facts
from monitor.engine.baseline.habits import compact, from_habit_segment, reads, the_baseline
from monitor.engine.baseline.judge import WEEK
from monitor.engine.baseline.portrait import Portrait, Portrayer, is_weekend
from monitor.engine.baseline.unusual import DAY, model_of
from monitor.engine.history import FOREVER
from monitor.engine.keys import Keyring
from monitor.engine.windows import group_name
from monitor.errors import InputError, RuleError
from monitor.lazily import Lazily
from monitor.model import Violation
from monitor.pipeline.learning import Learned, LearningWindows, baselines, of_baselines
from monitor.pipeline.runner import Bounds, Runner
from monitor.pipeline.ways import Decoding, Way, everywhere, plans, way_digest
from monitor.review.totals import Totals
from monitor.rules.diagnostics import listing
from monitor.rules.tree import Correlation

if TYPE_CHECKING:
    from monitor.store import repository
    from monitor.store.repository import SqlStore
else:
    repository = Lazily("monitor.store.repository")

_PSEUDONYM: Final = re.compile(r"[0-9a-f]{16}")
_GROUP: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where habits are: a store (file or URL), a namespace of it, and the key of its pseudonyms.

    `detection` is what the rules' detector classes are looked up by; None: those that come along.
    """

    store: str
    namespace: str
    key: Path
    password_file: Path | None = None
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn from, and how to read it."""

    inputs: tuple[str, ...]
    rules: tuple[Path, ...]
    decoding: Decoding = field(default_factory=Decoding)
    bounds: Bounds = field(default_factory=Bounds)
    kafka_records: bool = False


@dataclass(frozen=True, slots=True)
class Learning:
    """What one rule knows: how many groups and people, days with reads, the first and the last of them."""

    rule: Correlation
    groups: int
    people: int
    days: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class LearnReport:
    """What the store knows after learning, and what was read of the archive for it, now and before."""

    rules: tuple[Learning, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Shown:
    """One group under one rule.

    Attributes:
        rule: the rule.
        actor: its pseudonym; empty where the rule has no actor.
        group: as violations name it.
        portrait: of the day asked for.
        other: of the last day before that is of the other kind (working day, weekend).
        violations: all that are stored of it, by period.
    """

    rule: Correlation
    actor: str
    group: str
    portrait: Portrait
    other: Portrait
    violations: tuple[Violation, ...]

    def said(self) -> dict[int, str]:
        """Day since the epoch to the signals that are stored of it."""
        return {v.start // DAY: v.evidence.test for v in self.violations if v.start is not None}


@dataclass(frozen=True, slots=True)
class Line:
    """A group in a list: days with reads, people on the usual one and in the last seven, the last day."""

    actor: str
    group: str
    peers: str
    days: int
    usual: float
    week: int
    last: int
    violations: int


def learn(place: Place, lesson: Lesson) -> LearnReport:
    """Keep the habits of an archive as known. Doing it again changes nothing.

    A file that was learned under other rules or options is taken back first and learned anew.

    Args:
        place: where they are kept; store and key are made where there are none.
        lesson: what to learn from.

    Raises:
        PrivwatchError: rules, inputs, key or store cannot be used, or no rule has a baseline.
    """
    clock = SystemClock()
    started, progress = clock.monotonic(), Progress()
    ruleset = of_baselines(load_rules(lesson.rules, clock, place.detection)[0])
    if not ruleset.correlations:
        raise RuleError("none of these rules has an x_baseline (docs/rules.md), so there is nothing to learn")
    plan = plans(ruleset, {"": lesson.decoding})[""]
    digest = way_digest(plan, lesson.decoding, lesson.bounds)
    with ExitStack() as stack:
        claiming = Learned.claiming(lambda partition: claimed(store, partition, digest))
        source = Learned(
            archive_of(lesson.inputs, lesson.decoding, plan, claiming, kafka_records=lesson.kafka_records)
        )
        stack.callback(source.close)
        source.start({})  # a wrong path is said before a store and a key are made for it
        store = _open(place)
        stack.callback(store.close)
        keyring = keyring_for(store, place.key)
        source.start(store.checkpoints())
        if forget_outdated(store, source.partitions, digest):
            source.start(store.checkpoints())
        decode = decoder(AUTO, plan.projection, year=lesson.decoding.year).decode
        Runner(
            source=source,
            store=store,
            way=everywhere(Way(plan, digest, decode)),
            keyring=keyring,
            windows=LearningWindows(ruleset.correlations, keyring, store, store.checkpoints().keys()),
            clock=clock,
            observe=progress,
            bounds=lesson.bounds,
            batches=REPLAY_BATCHES,
        ).run(lambda: False)
        counts = _counts(store, source.partitions)
        return LearnReport(
            rules=tuple(_learning(rule, _habits(store, rule)) for rule in ruleset.correlations),
            totals=Totals(
                events=counts["event", "events"],
                records=progress.records,
                size=progress.size,
                seconds=clock.monotonic() - started,
                rejects={name: n for (kind, name), n in sorted(counts.items()) if kind == "reject"},
                facts={name: n for (kind, name), n in sorted(counts.items()) if kind == "event"},
            ),
        )


def show(
    place: Place, rules: Sequence[Path], who: str, *, rule: str = "", day: int | None = None
) -> list[Shown]:
    """One actor under every rule with a baseline that knows it.

    Args:
        place: where the habits are.
        rules: paths.
        who: the pseudonym of an actor or the name of a group, as violations have them; or what the logs call
            the actor, which is hashed at once.
        rule: id or name of the only rule to look at; empty: all.
        day: since the epoch; None: that of the newest violation, or else the last one with reads.

    Raises:
        PrivwatchError: rules, key or store cannot be used, or nobody of that name is known.
    """
    with _reading(place) as (store, keyring):
        said = _violations(store)
        found = [
            shown
            for one in _rules(place, rules, rule)
            for shown in _under(one, _habits(store, one), keyring, said, who, day=day)
        ]
    if not found:
        raise InputError(
            "no baseline knows anybody of that name in this store and namespace; "
            "privwatch baseline show without a name lists who is known"
        )
    return found


def known(place: Place, rules: Sequence[Path], *, rule: str = "") -> list[tuple[Correlation, list[Line]]]:
    """Every group that a rule with a baseline knows; those with violations first, then by people.

    Raises:
        PrivwatchError: rules, key or store cannot be used.
    """
    with _reading(place) as (store, keyring):
        said = _violations(store)
        return [
            (one, list(_lines(one, _habits(store, one), keyring, said))) for one in _rules(place, rules, rule)
        ]


def _open(place: Place) -> SqlStore:
    return repository.open_store(place.store, place.namespace, password_file=place.password_file)


@contextmanager
def _reading(place: Place) -> Iterator[tuple[SqlStore, Keyring]]:
    """The store and its key, neither of which is made."""
    if "://" not in place.store and not Path(place.store).exists():
        raise InputError(f"there is no store {place.store}; name it with --store, or the settings with -c")
    with closing(_open(place)) as store:
        if not store.checkpoints():
            raise InputError(
                f"store {store.place} holds nothing in the namespace {place.namespace}; name another with "
                "--namespace, or learn an archive first (privwatch baseline learn)"
            )
        yield store, keyring_for(store, place.key)


def _rules(place: Place, paths: Sequence[Path], wanted: str) -> list[Correlation]:
    every = baselines(load_rules(paths, SystemClock(), place.detection)[0])
    found = [one for one in every if not wanted or wanted in {one.header.id, one.header.name}]
    if not found:
        names = listing([one.header.name or one.header.id for one in every]) if every else "none"
        raise RuleError(f"no rule {wanted} has an x_baseline; these have: {names}")
    return found


def _counts(store: SqlStore, partitions: Collection[str]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for (partition, kind, name), n in store.counts().items():
        counts[kind, name] += n if partition in partitions else 0
    return Counter({key: n for key, n in counts.items() if n})


def _habits(store: SqlStore, rule: Correlation) -> pl.DataFrame:
    held = store.segments(rule.header.id, the_baseline(rule).habit, -FOREVER, FOREVER)
    return compact(map(from_habit_segment, held))


def _violations(store: SqlStore) -> dict[tuple[str, str], tuple[Violation, ...]]:
    """Those of baselines, by rule and group."""
    found: dict[tuple[str, str], tuple[Violation, ...]] = {}
    for one in store.violations():
        if one.kind == "baseline":
            key = one.rule, one.group
            found[key] = (*found.get(key, ()), one)
    return found


def _groups(rule: Correlation, habits: pl.DataFrame, who: str, keyring: Keyring) -> list[int]:
    groups = habits.select("group", "actor").unique().sort("group", "actor")
    if _GROUP.fullmatch(who):
        named = groups["group"].unique().sort()
        return [group for group in named if group_name(rule, group, keyring) == who]
    pseudonyms = {keyring.pseudonym(who)} | ({who} if _PSEUDONYM.fullmatch(who) else set())
    found = groups.filter(pl.col("actor").is_in(pseudonyms) & (pl.col("actor") != ""))
    return found["group"].unique().sort().to_list()


def _under(
    rule: Correlation,
    habits: pl.DataFrame,
    keyring: Keyring,
    said: Mapping[tuple[str, str], tuple[Violation, ...]],
    who: str,
    *,
    day: int | None,
) -> Iterator[Shown]:
    """Everybody of that name under one rule."""
    groups = _groups(rule, habits, who, keyring)
    if not groups:
        return  # facts of everybody are worked out for nobody in vain
    portrayer = Portrayer(rule, habits)
    for group in groups:
        name = group_name(rule, group, keyring)
        violations = said.get((rule.header.id, name), ())
        at = _day_of(violations, portrayer.latest(group)) if day is None else day
        yield Shown(
            rule=rule,
            actor=str(habits.filter(pl.col("group") == group)["actor"].max()),
            group=name,
            portrait=portrayer.portrait(group, at),
            other=portrayer.portrait(group, _other_kind(at)),
            violations=violations,
        )


def _day_of(found: Sequence[Violation], last: int | None) -> int:
    """The day of the newest violation, or else the last one with reads."""
    newest = max((v.start for v in found if v.start is not None), default=None)
    if newest is None and last is None:
        raise AssertionError("a group that was found has habits")
    return last or 0 if newest is None else newest // DAY


def _other_kind(day: int) -> int:
    """The last day before it that is of the other kind."""
    return next(one for one in range(day - 1, day - 7, -1) if is_weekend(one) != is_weekend(day))


def _learning(rule: Correlation, habits: pl.DataFrame) -> Learning:
    days = habits.select(pl.col("tick").floordiv(HOURS_A_DAY)).to_series()
    first, last = days.min(), days.max()
    return Learning(
        rule=rule,
        groups=habits["group"].n_unique(),
        people=habits["subject"].n_unique(),
        days=days.n_unique(),
        first=first if isinstance(first, int) else None,
        last=last if isinstance(last, int) else None,
    )


def _lines(
    rule: Correlation,
    habits: pl.DataFrame,
    keyring: Keyring,
    said: Mapping[tuple[str, str], tuple[Violation, ...]],
) -> Iterator[Line]:
    days = facts(reads(habits), the_baseline(rule).history, sums=model_of(rule).sums).days
    people, day = pl.col("people"), pl.col("day")
    each = days.group_by("group").agg(
        pl.len().alias("days"),
        people.median().alias("usual"),
        people.filter(day > day.max() - WEEK).sum().alias("week"),
        day.max().alias("last"),
        pl.col("peer").sort_by(day).last().alias("peers"),
    )
    actors = habits.group_by("group").agg(pl.col("actor").max())
    found = []
    for row in each.join(actors, on="group").iter_rows(named=True):
        name = group_name(rule, row.pop("group"), keyring)
        found.append(Line(**row, group=name, violations=len(said.get((rule.header.id, name), ()))))
    yield from sorted(found, key=lambda one: (-one.violations, -one.week, one.group))
