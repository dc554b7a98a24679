"""The typed `x_` keys: x_privacy, x_alert, x_window, x_tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.rules.document import MapNode, Node, Scalar, plain
from monitor.rules.header import digest_of
from monitor.rules.lookups import table_of
from monitor.rules.reader import Reader
from monitor.rules.tables import Table
from monitor.rules.tree import AlertPolicy, Privacy, RuleTest, TestEvents, WindowPolicy
from monitor.rules.vocabulary import (
    ALERT_KEYS,
    EVENT_KEYS,
    EXPECTATIONS,
    PERIODS,
    PRIVACY_KEYS,
    TEST_FORMATS,
    TEST_KEYS,
    TIERS,
    WINDOW_KEYS,
    WINDOW_KINDS,
)

MAX_REPEAT = 100_000
"""Most events one entry of a test may stand for."""

MAX_SECONDS = 3653 * 86_400
"""Longest time the events of one entry of a test may span, from its begin."""

MAX_HOPS = 100
"""Most hopping windows an event falls into."""

MAX_TICK = 86_400
"""Longest tick, in seconds."""


def read_privacy(rule: Reader) -> Privacy:
    """`x_privacy`."""
    body = rule.map("x_privacy")
    if body is None:
        return Privacy()
    body.check_keys(PRIVACY_KEYS)
    return Privacy(
        articles=body.texts("articles"),
        activity=body.text("activity"),
        categories=body.texts("categories"),
        actor=body.text("actor"),
        subject=body.text("subject"),
        resource=body.text("resource"),
    )


def read_alert(rule: Reader) -> AlertPolicy:
    """`x_alert`."""
    body = rule.map("x_alert")
    default = AlertPolicy()
    if body is None:
        return default
    body.check_keys(ALERT_KEYS)
    return AlertPolicy(
        fingerprint=body.texts("fingerprint"),
        per=body.choice("per", PERIODS, default.per),
        realert=round(body.seconds("realert", default.realert)),
        tier=body.choice("tier", TIERS, default.tier),
    )


def read_window(rule: Reader, timespan: int) -> WindowPolicy:
    """`x_window` of a correlation over so many seconds."""
    body = rule.map("x_window")
    default = WindowPolicy()
    if body is None:
        return default
    body.check_keys(WINDOW_KEYS)
    # Late events always revise what they fall into; the key may say so, and nothing else.
    body.choice("late", ("revise",), "revise")
    kind = body.choice("kind", WINDOW_KINDS, default.kind)
    window = WindowPolicy(
        kind=kind,
        resolution=_whole_seconds(body, "resolution"),
        lateness=round(body.seconds("lateness", default.lateness)),
    )
    tick = window.tick(timespan)
    if kind in {"tumbling", "hopping"} and timespan % tick:
        message = f"A timespan of {timespan} s is no whole number of ticks of {tick} s."
        body.problems.add(
            "invalid-value", body.at("kind"), message, "Write another timespan, or a resolution."
        )
    return replace(window, hop=_hop(body, timespan, tick) if kind == "hopping" else None)


def _whole_seconds(body: Reader, key: str) -> int | None:
    seconds = body.seconds(key, 0)
    if body.has(key) and not (1 <= seconds <= MAX_TICK and seconds == int(seconds)):
        cure = "Write whole seconds, minutes or hours, such as 1s, up to a day."
        body.problems.add("invalid-value", body.at(key), "A tick is at least one second.", cure)
    return int(seconds) or None


def _hop(body: Reader, timespan: int, tick: int) -> int | None:
    hop = int(body.seconds("hop", 0)) if body.require("hop") else None
    if hop is not None and (hop % tick or not timespan / MAX_HOPS <= hop <= timespan):
        message = f"A hop of {hop} s does not go with a timespan of {timespan} s and ticks of {tick} s."
        cure = f"Write whole ticks, at most the timespan and at least a {MAX_HOPS}th of it."
        body.problems.add("invalid-value", body.at("hop"), message, cure)
        return None
    return hop


def read_tests(rule: Reader) -> tuple[RuleTest, ...]:
    """`x_tests`."""
    entries = (_map(rule, node, "x_tests") for node in rule.items("x_tests"))
    return tuple(_test(entry) for entry in entries if entry is not None)


def _map(owner: Reader, node: Node, what: str) -> Reader | None:
    if isinstance(node, MapNode):
        return Reader(node, f"an entry of {what}", owner.problems)
    owner.wrong(node, what, "a list of maps")
    return None


def _test(entry: Reader) -> RuleTest:
    entry.check_keys(TEST_KEYS)
    for key in ("name", "expect", "events"):
        entry.require(key)
    form = entry.choice("format", TEST_FORMATS, "json")
    events = (_map(entry, node, "events") for node in entry.items("events"))
    read = tuple(_events(each, form) for each in events if each is not None)
    if entry.has("events") and not entry.items("events"):
        entry.problems.add("empty-list", entry.at("events"), "The test has no events.", "Write one at least.")
    return RuleTest(
        name=entry.text("name"),
        expect=entry.choice("expect", EXPECTATIONS, "match"),
        events=read,
        span=entry.node.span,
        format=form,
        tables=_tables(entry),
    )


def _tables(entry: Reader) -> tuple[Table, ...]:
    """`lookups` of a test: tables by name."""
    body = entry.map("lookups")
    pairs = () if body is None else body.node.pairs
    made = (table_of(key.text, value, entry.problems, digest_of(value)) for key, value in pairs)
    return tuple(table for table in made if table is not None)


def _events(entry: Reader, form: str) -> TestEvents:
    entry.check_keys(EVENT_KEYS)
    if entry.has("set") == entry.has("raw"):
        message = "An event has either 'set' or 'raw'."
        entry.problems.add("missing-key", entry.node.span, message, "Write one of the two.")
    if form == "access" and entry.has("set"):
        message = "'set' makes JSON events, and the test's format is access."
        entry.problems.add("invalid-value", entry.at("set"), message, "Write the line as 'raw'.")
    values = entry.map("set")
    events = TestEvents(
        at=entry.seconds("at", 0.0),
        every=entry.seconds("every", 1.0),
        repeat=_repeat(entry),
        values=() if values is None else _pairs(values),
        raw=entry.text("raw") if entry.has("raw") else None,
    )
    return _within_a_decade(entry, events)


def _within_a_decade(entry: Reader, events: TestEvents) -> TestEvents:
    """Far enough for any rule, and near enough for any calendar."""
    if events.at + events.every * (events.repeat - 1) <= MAX_SECONDS:
        return events
    cure = "Write a smaller 'at', 'every' or 'repeat'."
    entry.problems.add("invalid-value", entry.node.span, "The events span more than ten years.", cure)
    return replace(events, at=0.0, every=1.0)


def _repeat(entry: Reader) -> int:
    node = entry.get("repeat")
    if node is None:
        return 1
    count: Any = node.value if isinstance(node, Scalar) else None
    if type(count) is int and 1 <= count <= MAX_REPEAT:
        return count
    message = "'repeat' is no count."
    entry.problems.add("invalid-value", node.span, message, f"Write a number from 1 to {MAX_REPEAT}.")
    return 1


def _pairs(values: Reader) -> tuple[tuple[str, Any], ...]:
    return tuple((key.text, plain(value)) for key, value in values.node.pairs)
