"""Parts of violations against a plain loop over the matches."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.atoms import FOUND
from monitor.engine.group import PERIOD_FORMATS, UNDATED, parts
from monitor.engine.match import Matches
from monitor.engine.plan import compile_plan
from monitor.frames import OFFSET, ROW, TIME
from monitor.model import MAX_SAMPLES, Evidence, Logsource, Position, Violation, merged
from monitor.redact import mask, mask_name, mask_path
from monitor.rules.tree import (
    AlertPolicy,
    EventRule,
    Header,
    Item,
    PiiTest,
    Privacy,
    Ref,
    RuleSet,
    Selection,
    Span,
)
from tests.support.windows import KEYRING

HERE = Span("made-up.yml", 1, 1)
DAY = 86_400_000_000
NOON = 20_770 * DAY + DAY // 2
# Fields of events that are also the names of columns in the engine.
NAMES = (("user.name", "db.table", "customer.id"), ("state", "path", "text"), ("test", "start", "lead"))


@dataclass(frozen=True)
class Leaf:
    path: str
    text: str
    start: int = 0


@dataclass(frozen=True)
class Event:
    offset: int
    time: int | None
    actor: str | None
    resource: str | None
    subject: str | None
    leaves: tuple[Leaf, ...]


def rule(names: tuple[str, str, str], per: str, fingerprint: tuple[str, ...] = ()) -> EventRule:
    item = Item(None, (PiiTest(("email",)),), every=False, negated=False, span=HERE)
    actor, resource, subject = names
    return EventRule(
        Header("made-up", "made up", HERE, "d"),
        Logsource(),
        (Selection("one", ((item,),), HERE),),
        (Ref("one"),),
        Privacy(actor=actor, resource=resource, subject=subject),
        AlertPolicy(fingerprint=fingerprint, per=per),
    )


def said(one: EventRule, partition: str, events: Sequence[Event]) -> list[Violation]:
    """What the engine makes of the events as one batch."""
    plan = compile_plan(RuleSet((one,), (), (), "")).rules[0]
    rows = pl.Series(ROW, range(len(events)), dtype=pl.UInt32)
    leaves = [
        (row, leaf.path, leaf.text, "email", "raw", "", leaf.start, leaf.start + 3)
        for row, event in enumerate(events)
        for leaf in event.leaves
    ]
    fields = {
        one.privacy.actor: [e.actor for e in events],
        one.privacy.resource: [e.resource for e in events],
        one.privacy.subject: [e.subject for e in events],
    }
    context = pl.DataFrame(
        {
            ROW: rows,
            OFFSET: pl.Series([e.offset for e in events], dtype=pl.Int64),
            TIME: pl.Series([e.time for e in events], dtype=pl.Int64),
            **{name: pl.Series(values, dtype=pl.String) for name, values in fields.items()},
        }
    )
    found = {plan.evidence[0].name: pl.DataFrame(leaves, schema=FOUND, orient="row")}
    return [p.violation for p in parts(Matches((plan,), (rows,), found, context).placed(partition), KEYRING)]


def period(per: str, time: int | None) -> str:
    if time is None:
        return UNDATED
    at = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=time)
    return at.strftime(PERIOD_FORMATS[per])


def expected(one: EventRule, partition: str, events: Sequence[Event]) -> list[Violation]:
    """The same by a loop over every leaf of every event."""
    grouped: dict[tuple[str | None, ...], list[tuple[Event, Leaf]]] = {}
    for event in events:
        resource = None if event.resource is None else mask_name(event.resource)
        for leaf in event.leaves:
            key = (event.actor, resource, mask_path(leaf.path), period(one.alert.per, event.time))
            grouped.setdefault(key, []).append((event, leaf))
    return [_violation(one, partition, key, pairs) for key, pairs in grouped.items()]


def _violation(
    one: EventRule, partition: str, key: tuple[str | None, ...], pairs: list[tuple[Event, Leaf]]
) -> Violation:
    actor, resource, path, when = key
    offsets = sorted({event.offset for event, _ in pairs})
    times = [event.time for event, _ in pairs if event.time is not None]
    lead = min((leaf.start, leaf.text) for event, leaf in pairs if event.offset == offsets[0])
    whose = {
        leaf.text[leaf.start : leaf.start + 3].lower() if event.subject is None else event.subject
        for event, leaf in pairs
    }
    return Violation(
        fingerprint=KEYRING.fingerprint([one.header.id, *key]),
        rule=one.header.id,
        digest="d",
        level="medium",
        status="stable",
        kind="event",
        actor=KEYRING.pseudonym(actor),
        resource=resource or "",
        path=path or "",
        period=when or "",
        group=KEYRING.fingerprint([one.header.id, *key[:-1]]),
        count=len(offsets),
        first=min(times, default=None),
        last=max(times, default=None),
        samples=tuple(Position(partition, offset) for offset in offsets[:MAX_SAMPLES]),
        evidence=Evidence(path or "", "email", "raw", "", mask(lead[1], [(lead[0], lead[0] + 3, "email")])),
        subjects=tuple(sorted(KEYRING.number("subject", [s]) for s in whose)),
    )


leaves = st.builds(
    Leaf,
    st.sampled_from(["mail", "items.mail", "users.4711231.mail", "users.9911231.mail"]),
    st.sampled_from(["abc-def", "ABC", "x (abc) y", "xx-yy-zz"]),
    st.sampled_from([0, 2]),
)


@st.composite
def batches(draw: st.DrawFn) -> list[Event]:
    times = st.sampled_from([None, NOON, NOON + 1, NOON + DAY, NOON - 8 * DAY, -1])
    words = st.sampled_from([None, "", "ada", "/orders/4711", "/orders/4712"])
    size = draw(st.integers(1, 14))
    offsets = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size, unique=True))
    made = st.builds(
        Event,
        st.just(0),
        times,
        words,
        words,
        st.sampled_from([None, "s1", "s2"]),
        st.lists(leaves, min_size=1, max_size=3).map(tuple),
    )
    return [replace(draw(made), offset=offset) for offset in offsets]


rules = st.builds(rule, st.sampled_from(NAMES), st.sampled_from(sorted(PERIOD_FORMATS)))


def by_name(violations: Sequence[Violation]) -> dict[str, Violation]:
    assert len({v.fingerprint for v in violations}) == len(violations)
    return {v.fingerprint: v for v in violations}


@given(rules, batches())
@settings(max_examples=120)
def test_parts_are_what_a_loop_over_the_matches_gives(one: EventRule, events: list[Event]) -> None:
    assert by_name(said(one, "p", events)) == by_name(expected(one, "p", events))


@given(rules, batches(), st.data())
@settings(max_examples=60)
def test_parts_of_batches_merge_to_the_parts_of_the_whole(
    one: EventRule, events: list[Event], data: st.DataObject
) -> None:
    number = {e.offset: data.draw(st.integers(0, 2)) for e in events}
    whole: dict[str, Violation] = {}
    for batch in data.draw(st.permutations(range(3))):
        some = [e for e in events if number[e.offset] == batch]
        for part in said(one, "p", some) if some else []:
            known = whole.get(part.fingerprint)
            whole[part.fingerprint] = part if known is None else merged(known, part)
    assert whole == by_name(said(one, "p", events))


@given(rules, st.permutations(range(3)), batches(), batches(), batches())
@settings(max_examples=40)
def test_merging_partitions_is_commutative_and_associative(
    one: EventRule, order: list[int], first: list[Event], second: list[Event], third: list[Event]
) -> None:
    split = [by_name(said(one, name, some)) for name, some in zip("pqr", (first, second, third), strict=True)]
    for name in set(split[0]) & set(split[1]) & set(split[2]):
        a, b, c = (split[i][name] for i in order)
        x, y, z = (part[name] for part in split)
        assert merged(merged(a, b), c) == merged(x, merged(y, z)) == merged(c, merged(b, a))


def test_a_fingerprint_of_the_rules_choice() -> None:
    event = Event(3, NOON, "ada", "/orders/4711", "s1", (Leaf("mail", "abc"),))
    one = rule(NAMES[0], "forever", ("customer.id",))
    (found,) = said(one, "p", [event])
    assert found.fingerprint == KEYRING.fingerprint(["made-up", "s1", "mail", "always"])
    assert (found.actor, found.resource, found.period) == (KEYRING.pseudonym(None), "", "always")


def test_the_same_value_twice_in_one_event_counts_once() -> None:
    event = Event(3, NOON, "ada", None, None, (Leaf("mail", "abc"), Leaf("mail", "abc"), Leaf("mail", "ABC")))
    (found,) = said(rule(NAMES[0], "day"), "p", [event])
    assert (found.count, len(found.subjects)) == (1, 1)


@pytest.mark.parametrize("offset", range(3))
def test_the_evidence_of_equal_leaves_does_not_depend_on_their_order(offset: int) -> None:
    texts = ["abc 1", "abc 1 x", "abc 1 x x"]
    turned = texts[offset:] + texts[:offset]
    (found,) = said(
        rule(NAMES[0], "day"),
        "p",
        [Event(0, NOON, "ada", None, None, tuple(Leaf("mail", t) for t in turned))],
    )
    assert found.evidence.extract == "[email] 9"
