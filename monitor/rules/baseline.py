"""`x_baseline`: unusual for this group, at this hour, among these peers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from monitor.rules.diagnostics import listing, suggestion
from monitor.rules.document import MapNode, Scalar
from monitor.rules.reader import Reader
from monitor.rules.tree import Baseline, Correlation, EventRule, PeerTable
from monitor.rules.vocabulary import (
    BASELINE_KEYS,
    BASELINE_TYPES,
    DAILY_SIGNALS,
    HOURLY_SIGNALS,
    METHODS,
    OF_PEOPLE,
    PEER_KEYS,
    SEASONS,
    UNKNOWN,
)

HOUR, DAY = 3_600, 86_400
"""Seconds."""

HISTORY = (14, 366)
"""Fewest and most days of a history: two weeks tell working days from weekends, a year is what a store
bears."""

SPANS = {"1h": HOURLY_SIGNALS, "1d": DAILY_SIGNALS}
"""Timespan to the signals that speak of it."""

_SAME = {"60m": "1h", "3600s": "1h", "24h": "1d", "1440m": "1d", "86400s": "1d"}


def read_baseline(rule: Reader, body: Reader) -> Baseline | None:
    """`x_baseline` of a correlation whose `correlation` is `body`; None where it has none."""
    said = rule.map("x_baseline")
    if said is None:
        return None
    said.check_keys(BASELINE_KEYS)
    default = Baseline()
    # There is one season and one method; the keys may name them.
    said.choice("season", SEASONS, SEASONS[0])
    said.choice("method", METHODS, METHODS[0])
    history = _days(said, "history", default.history)
    if not HISTORY[0] <= history <= HISTORY[1]:
        cure = f"Write {HISTORY[0]}d to {HISTORY[1]}d."
        said.problems.add("invalid-value", said.at("history"), "That is no length of a history.", cure)
        history = default.history
    signals = _signals(said, default.signals)
    peers, table = _peers(said)
    _fits(rule, body, signals)
    return Baseline(
        signals=signals,
        history=history,
        min_history=_days(said, "min_history", default.min_history),
        score=_number(said, "score", default.score),
        scale=_number(said, "scale", default.scale),
        peers=peers,
        peer_table=table,
        cap=_number(said, "cap", 0.0) if said.has("cap") else None,
        zone=_zone(said),
        wait=said.choice("unknown", UNKNOWN, UNKNOWN[0]) == "wait",
    )


def _signals(said: Reader, default: tuple[str, ...]) -> tuple[str, ...]:
    known = (*HOURLY_SIGNALS, *DAILY_SIGNALS)
    found = []
    for node in said.items("signals"):
        word = said.as_text(node, "signals")
        if word is not None and word.text not in known:
            cure = f"{suggestion(word.text, known)}Write {listing(known)}."
            said.invalid(word, f"'{word.text}' is no signal.", cure)
        elif word is not None:
            found.append(word.text)
    return tuple(dict.fromkeys(found)) or default


def _fits(rule: Reader, body: Reader, signals: tuple[str, ...]) -> None:
    """A baseline counts people, events or a sum by the hour or by the day, above a floor, for somebody."""
    kind, timespan = body.scalar("type"), body.scalar("timespan")
    if kind is not None and kind.text not in BASELINE_TYPES:
        cure = f"Write {listing(BASELINE_TYPES)}."
        body.invalid(kind, f"There is no baseline of a '{kind.text}'.", cure)
    elif kind is not None and kind.text != "value_count" and (asked := OF_PEOPLE & set(signals)):
        cure = "Leave it out, or write type: value_count, with the person as the field of the condition."
        message = f"'{kind.text}' does not tell people apart, as {listing(sorted(asked))} has to."
        body.invalid(kind, message, cure)
    if timespan is not None:
        _speaks_of(body, timespan, signals)
    condition = body.map("condition")
    if condition is not None:
        for key, _ in condition.node.pairs:
            if key.text not in {"field", "gte"}:
                message = f"The floor of a baseline has no '{key.text}'."
                body.problems.add("invalid-value", key.span, message, "Write field and gte.")
    if not body.items("group-by"):
        cure = "Add group-by, with the field of the actor."
        body.problems.add("missing-key", body.node.span, "A baseline is of nobody in particular.", cure)
    window = rule.map("x_window")
    if window is not None:
        window.check_keys({"lateness"})


def _speaks_of(body: Reader, timespan: Scalar, signals: tuple[str, ...]) -> None:
    span = _SAME.get(timespan.text, timespan.text)
    others = [name for name in signals if name not in SPANS.get(span, ())]
    if span not in SPANS:
        body.invalid(timespan, "A baseline is of an hour or of a day.", "Write timespan: 1h or 1d.")
    elif others:
        right = "1d" if span == "1h" else "1h"
        message = f"With a timespan of {span} there is no {listing(others)}."
        body.invalid(timespan, message, f"Take {listing(SPANS[span])}; or write timespan: {right}.")


def _peers(said: Reader) -> tuple[str, PeerTable | None]:
    """`peers`: a field that names them, or a field and the column of a table in which it is looked up."""
    inside = said.map("peers") if isinstance(said.get("peers"), MapNode) else None
    if inside is None:
        return said.text("peers"), None
    inside.check_keys(PEER_KEYS)
    if not all([inside.require("field"), inside.require("lookup")]):
        return "", None
    table, dot, column = inside.text("lookup").partition(".")
    if not (table and dot and column):
        cure = "Write table.column, such as staff.role."
        message = "'lookup' of 'peers' names no column of a table."
        inside.problems.add("invalid-value", inside.at("lookup"), message, cure)
        return "", None
    return inside.text("field"), PeerTable(table, column, inside.at("lookup"))


def _zone(said: Reader) -> str:
    """`timezone`; UTC is the one that is not named."""
    written = said.scalar("timezone")
    if written is None or written.text == "UTC":
        return ""
    try:
        pl.select(pl.datetime(2026, 1, 1, time_zone="UTC").dt.convert_time_zone(written.text))
    except pl.exceptions.PolarsError:
        cure = "Write a name of the IANA database, such as Europe/Berlin."
        said.invalid(written, f"There is no time zone '{written.text}'.", cure)
        return ""
    return written.text


def _days(said: Reader, key: str, default: int) -> int:
    seconds = said.seconds(key, default * DAY)
    if seconds % DAY:
        said.problems.add("invalid-value", said.at(key), f"'{key}' is no whole number of days.", "Write 14d.")
        return default
    return round(seconds / DAY)


def _number(said: Reader, key: str, default: float) -> float:
    node = said.get(key)
    if node is None:
        return default
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    said.problems.add("invalid-value", node.span, f"'{key}' takes a number above 0.", "Write 3.5, say.")
    return default


def with_habit(correlation: Correlation, counted: Iterable[EventRule]) -> Baseline | None:
    """The correlation's baseline with the digest of what is counted, filters included, and of nothing else.

    Words about a rule, its level, its floor and the figures of its baseline may change: the habits stay.
    """
    if correlation.baseline is None:
        return None
    privacy = correlation.privacy
    what: list[object] = [
        correlation.type,
        correlation.group_by,
        correlation.threshold.field,
        (privacy.actor, privacy.subject, privacy.resource, correlation.baseline.peers),
        *(_asked(rule) for rule in counted),
        # Only where it is said: habits of before there were zones stay known.
        *((correlation.baseline.zone,) if correlation.baseline.zone else ()),
    ]
    if (table := correlation.baseline.peer_table) is not None:
        # What the table says may change, too: each habit says whose peer somebody was then.
        what.append((table.table, table.column))
    return replace(correlation.baseline, habit=hashlib.sha256(repr(what).encode()).hexdigest())


def _asked(rule: EventRule) -> tuple[object, ...]:
    """What an event rule asks, without where it is written."""
    selections = [
        (one.name, [[(i.field, i.tests, i.every, i.negated) for i in items] for items in one.alternatives])
        for one in rule.selections
    ]
    return rule.logsource, selections, rule.conditions
