"""What the raw text of a record must hold for a rule to match it: the index of the rule set.

Sound by construction: an anchor is only taken from what a rule cannot match without, and only in a spelling
that every JSON encoder writes as it is. A record with an escaped ASCII letter is always let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors import SHIPPED, Catalogue
from monitor.rules.compile import asks_absence, catalogue_of, regex_escape
from monitor.rules.tree import And, Condition, EventRule, Item, Not, Or, Pattern, PiiTest, Ref, Test, TextTest

HIDDEN_LETTERS = "\\\\u(?:00[2-7]|212[aA]|0130)|\u0130"
"""Regex: an ASCII letter may hide in a JSON escape, or be the lower case of the Kelvin sign or dotted I."""

SAFE_TEXT = re.compile(r"[A-Za-z0-9 _.,:;=@#%()\-]+")
"""Text that JSON encoders write as it is."""

EVERYDAY = frozenset(
    {
        "@timestamp", "action", "agent", "category", "client", "event", "host", "http", "id", "ip", "level",
        "log", "message", "method", "name", "original", "outcome", "request", "response", "service", "source",
        "status", "status_code", "type", "url", "user", "user_agent", "version",
    }
)  # fmt: skip
"""Names of keys that most records have; their presence says nothing."""

CHEAP_DETECTORS = frozenset({"email"})
"""Detectors whose prefilter is quick enough for the whole text of every record."""


QUICK = 3
"""Patterns that are looked for one by one as quickly as by one automaton."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One of the needles stands in the raw text, or the prefilter of one of the detectors says yes.

    `score` guesses how few records that is: the length of the shortest needle. `catalogue` has the detectors.
    """

    needles: frozenset[str] = frozenset()
    detectors: frozenset[str] = frozenset()
    score: int = 0
    catalogue: Catalogue = SHIPPED

    def __or__(self, other: Anchor) -> Anchor:
        """Where either holds."""
        return Anchor(
            self.needles | other.needles,
            self.detectors | other.detectors,
            min(self.score, other.score),
            # A rule set is loaded with one catalogue; an anchor without detectors asks none.
            self.catalogue if self.detectors else other.catalogue,
        )

    def without_needles(self) -> Anchor:
        """The detectors alone."""
        return replace(self, needles=frozenset())


def anchors_of(rule: EventRule, aliases: dict[str, tuple[str, ...]]) -> tuple[Anchor, ...]:
    """The anchors of a rule, each of them needed; none where it may match records nothing can be said of."""
    selections = {s.name: s for s in rule.selections}

    def needed(condition: Condition) -> list[Anchor]:
        match condition:
            case Ref(name):
                alternatives = selections[name].alternatives
                return _either([_every(_item(i, aliases) for i in items) for items in alternatives])
            case And(operands):
                return _every(map(needed, operands))
            case Or(operands):
                return _either(list(map(needed, operands)))
            case Not():
                return []

    found = _either(list(map(needed, rule.conditions)))
    return tuple(sorted(dict.fromkeys(found), key=lambda a: -a.score))


def _every(anchors: Iterable[list[Anchor]]) -> list[Anchor]:
    return [anchor for needed in anchors for anchor in needed]


def _either(alternatives: Sequence[list[Anchor]]) -> list[Anchor]:
    """What is needed of one alternative; of several the best of each, joined."""
    if not all(alternatives):
        return []
    if len(alternatives) == 1:
        return alternatives[0]
    return [reduce(or_, (max(needed, key=lambda a: a.score) for needed in alternatives))]


def _item(item: Item, aliases: dict[str, tuple[str, ...]]) -> list[Anchor]:
    if item.negated or any(asks_absence(test) for test in item.tests):
        return []
    by_value = [_listed(_value(test, whole=item.field is not None)) for test in item.tests]
    values = _every(by_value) if item.every else _either(by_value)
    return [*values, *_listed(_presence(item.field, aliases))]


def _listed(anchor: Anchor | None) -> list[Anchor]:
    return [] if anchor is None else [anchor]


def _value(test: Test, *, whole: bool) -> Anchor | None:
    """The anchor of a test of one value; `whole` where the pattern covers all of it."""
    if isinstance(test, PiiTest) and CHEAP_DETECTORS.issuperset(test.detectors):
        return Anchor(detectors=frozenset(test.detectors), score=50, catalogue=catalogue_of(test))
    if not isinstance(test, TextTest):
        return None
    parts = test.pattern.parts
    if whole and len(parts) == 1 and isinstance(parts[0], str) and _quoted(parts[0]):
        return _needles((f'"{parts[0]}"', f'"{parts[0]}\\'))
    piece = longest_piece(test.pattern) if whole else longest_word(test.pattern)
    return _needles((piece,)) if writable(piece) else None


def writable(text: str) -> bool:
    """Whether a text that holds it has it in the record to the letter; numbers may be written otherwise."""
    return SAFE_TEXT.fullmatch(text) is not None and re.search("[A-DF-Za-df-z]", text) is not None


def _quoted(text: str) -> bool:
    """Whether only a JSON string can have that text; true and false stand without quotes."""
    return writable(text) and text.lower() not in {"true", "false"}


def _needles(texts: Sequence[str]) -> Anchor:
    return Anchor(needles=frozenset(texts), score=min(len(t) for t in texts))


def _presence(field: str | None, aliases: dict[str, tuple[str, ...]]) -> Anchor | None:
    """A field that is there has its names in the record."""
    if field is None:
        return None
    if field.startswith("*."):
        return key_anchor(field[2:])
    found = _either([_listed(_path(path)) for path in (field, *aliases.get(field, ()))])
    return found[0] if found else None


def key_anchor(key: str) -> Anchor | None:
    """A key at any depth, also the last name of one with dots; in a JSON string quotes have a backslash."""
    if not SAFE_TEXT.fullmatch(key):
        return None
    needles = (f"{before}{key}{after}" for before in '".' for after in '"\\')
    return Anchor(frozenset(needles), score=20 + len(key))


def _path(path: str) -> Anchor | None:
    """A key starts with the first name of the path, and one ends with the last, whatever dots it holds."""
    names = path.split(".")
    first, last = names[0], names[-1]
    by_last = key_anchor(last) if _telling(last) else None
    found = [replace(by_last, score=10 + len(last))] if by_last is not None else []
    if _telling(first):
        found.append(Anchor(frozenset({f'"{first}'}), score=10 + len(first)))
    return max(found, key=lambda a: a.score, default=None)


def _telling(name: str) -> bool:
    return name not in EVERYDAY and SAFE_TEXT.fullmatch(name) is not None


def longest_piece(pattern: Pattern) -> str:
    """The longest literal text that anything the pattern matches holds, and that encoders leave alone."""
    pieces = [p for part in pattern.parts if isinstance(part, str) for p in SAFE_TEXT.findall(part)]
    return max(pieces, key=len, default="")


def longest_word(pattern: Pattern) -> str:
    """The same without dots: where paths are searched too, a dot may stand between two keys."""
    return max(longest_piece(pattern).split("."), key=len)


def holds(anchor: Anchor, column: pl.Expr, *, whole: bool = False) -> pl.Expr:
    """Whether a text may hold the anchor; two-valued. `whole` records name their fields as well."""
    exprs = [hidden_letters(column)]
    if anchor.detectors:
        asked = anchor.catalogue.prefilter(sorted(anchor.detectors))
        exprs.append(asked.records(column) if whole else asked.expr(column))
    if anchor.needles:
        exprs += [column.str.contains(regex) for regex in _alternatives(anchor.needles)]
    return pl.any_horizontal(exprs).fill_null(value=False)


def spelled(anchor: Anchor, column: pl.Expr) -> pl.Expr:
    """Whether a text may hold one of the anchor's needles; two-valued, one scan for all of them."""
    patterns = (HIDDEN_LETTERS, *_alternatives(anchor.needles))
    return column.str.contains("|".join(f"(?:{pattern})" for pattern in patterns))


def maybe(anchor: Anchor, column: pl.Expr) -> pl.Expr:
    """Whether a text shows what the anchor's detectors may find something in, at a first look; two-valued."""
    asked = [column.str.contains(pattern) for pattern in _patterns(anchor)]
    return pl.any_horizontal(asked) if asked else pl.lit(value=False)


def _patterns(anchor: Anchor) -> list[str]:
    if not anchor.detectors:
        return []
    return anchor.catalogue.prefilter(sorted(anchor.detectors)).patterns


def scan(anchor: Anchor) -> str | None:
    """One regex that every record that may hold the anchor matches; None where `holds` takes no longer.

    It is an automaton that is as quick over hundreds of needles as over ten, so it goes first where there are
    many, and `holds` is asked of what it lets through.
    """
    patterns = [HIDDEN_LETTERS, *_alternatives(anchor.needles), *_patterns(anchor)]
    return "|".join(f"(?:{pattern})" for pattern in patterns) if len(patterns) > QUICK else None


def hidden_letters(column: pl.Expr) -> pl.Expr:
    """Whether a text has letters that no needle finds."""
    return column.str.contains(HIDDEN_LETTERS)


def _alternatives(needles: Iterable[str]) -> list[str]:
    """Case-insensitive regexes, one of which matches: a regex is quick where all it matches begins alike.

    Several times as fast as Aho-Corasick over all needles. Keys begin with a quote or, as the last of
    several, with a dot: most are looked for in both forms, so that here either will do.
    """
    keys = {needle[1:] for needle in needles if needle[0] in '".'}
    others = {needle for needle in needles if needle[0] not in '".'}
    asked = (('[".]', keys), ("", others))
    return [f"(?i:{start}(?:{_joined(sorted(ends))}))" for start, ends in asked if ends]


def _joined(ends: Sequence[str]) -> str:
    """The texts as alternatives; those that go on with a quote or a backslash alike, so said once."""
    keys = {e[:-1] for e in ends if e.endswith('"')} & {e[:-1] for e in ends if e.endswith("\\")}
    others = [regex_escape(e) for e in ends if e[:-1] not in keys or e[-1] not in '"\\']
    both = [f'(?:{"|".join(map(regex_escape, sorted(keys)))})["\\\\]'] if keys else []
    return "|".join([*both, *others])
