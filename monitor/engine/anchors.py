"""What the raw text of a record must hold for a rule to match it: the index of the rule set.

Sound by construction: an anchor is only taken from what a rule cannot match without, and only in a spelling
that every JSON encoder writes as it is. A record with an escaped ASCII letter is always let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from monitor.detectors import prefilter
from monitor.rules.compile import asks_absence, regex_escape
from monitor.rules.tree import And, Condition, EventRule, Item, Not, Or, Pattern, PiiTest, Ref, Test, TextTest

HIDDEN_LETTERS = ("\\u00", "\\u212a", "\\u212A", "\\u0130", "\u0130")
"""An ASCII letter may hide in a JSON escape, or be the lower case of the Kelvin sign or of dotted I."""

SAFE_TEXT = re.compile(r"[A-Za-z0-9 _.,:;=@#%()\-]+")
"""Text that JSON encoders write as it is."""

EVERYDAY = frozenset(
    {
        "@timestamp", "action", "agent", "category", "client", "event", "host", "http", "id", "ip", "level",
        "log", "message", "method", "name", "original", "outcome", "request", "response", "service", "source",
        "status", "status_code", "type", "url", "user", "user_agent",
    }
)  # fmt: skip
"""Names of keys that most records have; their presence says nothing."""

CHEAP_DETECTORS = frozenset({"email"})
"""Detectors whose prefilter is quick enough for the whole text of every record."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One of the needles stands in the raw text, or the prefilter of one of the detectors says yes.

    `score` guesses how few records that is: the length of the shortest needle.
    """

    needles: frozenset[str] = frozenset()
    detectors: frozenset[str] = frozenset()
    score: int = 0

    def __or__(self, other: Anchor) -> Anchor:
        """Where either holds."""
        return Anchor(
            self.needles | other.needles, self.detectors | other.detectors, min(self.score, other.score)
        )


def anchor_of(rule: EventRule, aliases: dict[str, tuple[str, ...]]) -> Anchor | None:
    """The anchor of a rule; None where it may match records of which nothing can be said beforehand."""
    selections = {s.name: s for s in rule.selections}

    def needed(condition: Condition) -> Anchor | None:
        match condition:
            case Ref(name):
                return _either(_best(_item(i, aliases) for i in alt) for alt in selections[name].alternatives)
            case And(operands):
                return _best(map(needed, operands))
            case Or(operands):
                return _either(map(needed, operands))
            case Not():
                return None

    return _either(map(needed, rule.conditions))


def _best(anchors: Iterable[Anchor | None]) -> Anchor | None:
    return max((a for a in anchors if a is not None), key=lambda a: a.score, default=None)


def _either(anchors: Iterable[Anchor | None]) -> Anchor | None:
    joined: Anchor | None = None
    for anchor in anchors:
        if anchor is None:
            return None
        joined = anchor if joined is None else joined | anchor
    return joined


def _item(item: Item, aliases: dict[str, tuple[str, ...]]) -> Anchor | None:
    if item.negated or any(asks_absence(test) for test in item.tests):
        return None
    by_value = [_value(test, whole=item.field is not None) for test in item.tests]
    join = _best if item.every else _either
    return _best((join(by_value), _presence(item.field, aliases)))


def _value(test: Test, *, whole: bool) -> Anchor | None:
    """The anchor of a test of one value; `whole` where the pattern covers all of it."""
    if isinstance(test, PiiTest) and CHEAP_DETECTORS.issuperset(test.detectors):
        return Anchor(detectors=frozenset(test.detectors), score=50)
    if not isinstance(test, TextTest):
        return None
    parts = test.pattern.parts
    if whole and len(parts) == 1 and isinstance(parts[0], str) and _writable(parts[0]):
        return _needles((f'"{parts[0]}"', f'"{parts[0]}\\'))
    piece = longest_piece(test.pattern)
    return _needles((piece,)) if _writable(piece) else None


def _writable(text: str) -> bool:
    """Whether a text that holds it has it in the record to the letter; numbers may be written otherwise."""
    return SAFE_TEXT.fullmatch(text) is not None and re.search("[A-Za-z]", text) is not None


def _needles(texts: Sequence[str]) -> Anchor:
    return Anchor(needles=frozenset(texts), score=min(len(t) for t in texts))


def _presence(field: str | None, aliases: dict[str, tuple[str, ...]]) -> Anchor | None:
    """A field that is there has its names in the record."""
    if field is None:
        return None
    if field.startswith("*."):
        return key_anchor(field[2:])
    return _either(_path(path) for path in (field, *aliases.get(field, ())))


def key_anchor(key: str) -> Anchor | None:
    """A key at any depth; inside a JSON string its quotes have a backslash."""
    if not SAFE_TEXT.fullmatch(key):
        return None
    return Anchor(frozenset({f'"{key}"', f'"{key}\\'}), score=20 + len(key))


def _path(path: str) -> Anchor | None:
    """A key starts with the first name of the path, and one ends with the last, whatever dots it holds."""
    names = path.split(".")
    first, last = names[0], names[-1]
    found = [Anchor(frozenset({f'"{first}'}), score=10 + len(first))] if _telling(first) else []
    if _telling(last):
        found.append(Anchor(frozenset({f'{last}"', f"{last}\\"}), score=10 + len(last)))
    return _best(found)


def _telling(name: str) -> bool:
    return name not in EVERYDAY and SAFE_TEXT.fullmatch(name) is not None


def longest_piece(pattern: Pattern) -> str:
    """The longest literal text that anything the pattern matches holds, and that encoders leave alone."""
    pieces = [p for part in pattern.parts if isinstance(part, str) for p in SAFE_TEXT.findall(part)]
    return max(pieces, key=len, default="")


def holds(anchor: Anchor, column: pl.Expr) -> pl.Expr:
    """Whether a text may hold the anchor; two-valued."""
    exprs = [hidden_letters(column)]
    if anchor.detectors:
        exprs.append(prefilter(tuple(sorted(anchor.detectors))).expr(column))
    if anchor.needles:
        exprs.append(column.str.contains(_alternatives(anchor.needles)))
    return pl.any_horizontal(exprs).fill_null(value=False)


def hidden_letters(column: pl.Expr) -> pl.Expr:
    """Whether a text has letters that no needle finds."""
    return pl.any_horizontal([column.str.contains(escape, literal=True) for escape in HIDDEN_LETTERS])


def _alternatives(needles: Iterable[str]) -> str:
    """One case-insensitive regex, several times as fast as Aho-Corasick on needles that share their quote."""
    quoted = sorted(regex_escape(n[1:]) for n in needles if n.startswith('"'))
    plain = sorted(regex_escape(n) for n in needles if not n.startswith('"'))
    return "(?i)" + "|".join([f'"(?:{"|".join(quoted)})'] * bool(quoted) + plain)
