"""`correlation`: counting over the matches of other rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.rules.baseline import HOUR, read_baseline
from monitor.rules.condition import counts_off, renamed, words
from monitor.rules.document import MapNode, Scalar
from monitor.rules.extensions import read_alert, read_privacy, read_tests, read_window
from monitor.rules.header import read_header
from monitor.rules.reader import Reader
from monitor.rules.threshold import read_threshold
from monitor.rules.tree import Alias, Correlation
from monitor.rules.vocabulary import CORRELATION_BODY, CORRELATION_KEYS, CORRELATION_TYPES, TEMPORAL

TIMESPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
"""Seconds of each unit; month and year are the mean ones of the Gregorian calendar, as in pySigma."""

MAX_TIMESPAN = 400 * 86_400
"""Longest timespan, in seconds."""

_TIMESPAN = re.compile(r"([0-9]{1,9})([smhdwMy])")

MAX_RULES = 20
"""Most rules of a temporal correlation: each is a bit of its window state."""


@dataclass(frozen=True, slots=True)
class CorrelationDraft:
    """A correlation whose `rules` are still as written: `references` are the ids or names, in order."""

    correlation: Correlation
    references: tuple[Scalar, ...]
    generate: bool


def read_correlation(rule: Reader) -> CorrelationDraft:
    """A correlation document."""
    rule.check_keys(CORRELATION_KEYS)
    header = read_header(rule)
    body = rule.map("correlation") or Reader(MapNode(rule.node.span, ()), "'correlation'", rule.problems)
    body.check_keys(CORRELATION_BODY)
    kind = body.choice("type", CORRELATION_TYPES, CORRELATION_TYPES[0]) if body.require("type") else ""
    kind = kind or CORRELATION_TYPES[0]
    timespan = _timespan(body)
    references = _references(body, kind)
    rules = tuple(each.text for each in references)
    correlation = Correlation(
        header=header,
        type=kind,
        rules=rules,
        group_by=body.texts("group-by"),
        timespan=timespan,
        threshold=read_threshold(body, kind, rules),
        privacy=read_privacy(rule),
        alert=read_alert(rule),
        window=read_window(rule, timespan),
        tests=read_tests(rule),
        aliases=_aliases(body, rules),
        baseline=read_baseline(rule, body),
    )
    if correlation.baseline is not None:
        # An hour is what norms are of.
        correlation = replace(correlation, window=replace(correlation.window, resolution=HOUR))
    return CorrelationDraft(correlation, references, rule.flag("generate") or body.flag("generate"))


def resolved(draft: CorrelationDraft, ids: Mapping[str, str], digest: str) -> Correlation:
    """The correlation over rule ids.

    Args:
        draft: as read.
        ids: what is written to the id of the rule it names; what names none is left out.
        digest: of the correlation and the rules it counts.
    """
    one = draft.correlation
    when = one.threshold.when
    known = [ids[text] for text in one.rules if text in ids]
    aliases = (
        replace(alias, fields=tuple((ids[text], name) for text, name in alias.fields if text in ids))
        for alias in one.aliases
    )
    return replace(
        one,
        header=replace(one.header, digest=digest),
        rules=tuple(dict.fromkeys(known)),
        threshold=replace(one.threshold, when=when and renamed(when, lambda text: ids.get(text, text))),
        aliases=tuple(aliases),
    )


def _aliases(body: Reader, rules: tuple[str, ...]) -> tuple[Alias, ...]:
    """`aliases`: a name for each, and below it the field that each rule has in its place."""
    named = body.map("aliases")
    if named is None:
        return ()
    found = []
    for name, _ in named.node.pairs:
        fields = named.map(name.text)
        if fields is not None:
            fields.check_keys(rules)
            found.append(
                Alias(name.text, tuple((key.text, fields.text(key.text)) for key, _ in fields.node.pairs))
            )
    return tuple(found)


def _references(body: Reader, kind: str) -> tuple[Scalar, ...]:
    condition = body.get("condition")
    if kind in TEMPORAL and not body.has("rules") and isinstance(condition, Scalar):
        if counts_off(condition.text):
            message = "The condition counts off rules, and there is no list of them."
            body.problems.add("missing-key", condition.span, message, "Add `rules:` with their names.")
            return ()
        # As in pySigma, a condition in words names the rules by itself.
        return tuple(replace(condition, value=text, text=text) for text in words(condition.text))
    if not body.require("rules"):
        return ()
    read = (body.as_text(node, "rules") for node in body.items("rules"))
    references = tuple(each for each in read if each is not None)
    if not body.items("rules"):
        cure = "Name at least one rule by its id or name."
        body.problems.add("empty-list", body.at("rules"), "The correlation counts no rule.", cure)
    if kind == "ratio" and len(references) == 1:
        message = f"Of the events of '{references[0].text}' all match '{references[0].text}'."
        cure = "Name first the rule whose share is asked for, then those of all events together."
        body.problems.add("invalid-value", body.at("rules"), message, cure)
    if kind in TEMPORAL | {"absence"} and len(references) > MAX_RULES:
        message = f"The correlation names {len(references)} rules; one of '{kind}' has at most {MAX_RULES}."
        body.problems.add("invalid-value", body.at("rules"), message, "Write several correlations.")
    return references


def _timespan(body: Reader) -> int:
    written = body.scalar("timespan") if body.require("timespan") else None
    if written is None:
        return 1
    match = _TIMESPAN.fullmatch(written.text)
    seconds = int(match[1]) * TIMESPAN_UNITS[match[2]] if match else 0
    if match is None or not 0 < seconds <= MAX_TIMESPAN:
        cure = f"Write a whole number and one of {', '.join(TIMESPAN_UNITS)}, such as 1h; at most 400 days."
        body.invalid(written, f"'{written.text}' is no timespan.", cure)
        return 1
    if match[2] in "My":
        message = f"'{written.text}' is taken as {seconds} seconds."
        cure = "Write days or weeks, which are exact."
        body.problems.add("timespan-approximate", written.span, message, cure, width=len(written.text))
    return seconds
