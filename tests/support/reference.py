"""The oracle: one rule over one event, field by field, as docs/rules.md says it. Slow, plain, without polars.

An event is JSON data (dict, list, str, int, float, bool, None). It is taken apart into leaves: every scalar
with the dotted path that leads to it, array indices left out, so `{"a": [{"b": 1}]}`, `{"a": {"b": 1}}` and
`{"a.b": 1}` all have the leaf `a.b`. A text that is a JSON object or array is a leaf and is taken apart too.

Case is folded by `str.lower` on both sides, which is Unicode's full lower-casing without locale, the same as
Rust's `to_lowercase`; "ß" and "SS" therefore differ. Regular expressions are run by Python's `re`, so compare
only patterns that mean the same in both: Rust's class shorthands such as `\\s` differ from Python's in a few
control characters.
"""

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from monitor.rules.tree import (
    And,
    BoolTest,
    CidrTest,
    CompareTest,
    Condition,
    EventRule,
    ExistsTest,
    Item,
    LookupTest,
    Not,
    NullTest,
    NumberTest,
    Or,
    Pattern,
    PiiTest,
    PlaintextTest,
    Ref,
    RegexTest,
    Selection,
    StateTest,
    Test,
    TextTest,
    Wild,
)

Classify = Callable[[str, str], tuple[str, frozenset[str]]]
"""(text, path) to the protection state of the value, and the detectors with a raw or encoded item in it."""

PLAINTEXT = frozenset({"raw", "encoded", "hashed_weak", "unknown"})
_COMPARE = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Leaf:
    """A scalar; `text` is None for null. A key is a leaf as well, with `is_key`."""

    path: str
    text: str | None
    is_key: bool = False

    @property
    def key(self) -> str:
        return self.path.rsplit(".", 1)[-1].lower()


def text_of(value: str | float | bool) -> str:
    """A scalar as text: JSON's own, numbers without exponent, whole floats without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        written = format(Decimal(repr(value)), "f")
        return written.removesuffix(".0")
    return str(value)


def leaves(event: dict[str, Any]) -> list[Leaf]:
    return list(_below("", event))


def _below(path: str, node: Any) -> Iterator[Leaf]:
    if isinstance(node, dict):
        for key, value in node.items():
            below = f"{path}.{key}" if path else key
            yield Leaf(below, key, is_key=True)
            yield from _below(below, value)
    elif isinstance(node, list):
        for value in node:
            yield from _below(path, value)
    elif node is None:
        yield Leaf(path, None)
    else:
        yield Leaf(path, text_of(node))
        if isinstance(node, str):
            yield from _below_text(path, node)


def _below_text(path: str, text: str) -> Iterator[Leaf]:
    try:
        inner = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return
    if isinstance(inner, dict | list):
        yield from _below(path, inner)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def field_values(event: dict[str, Any], path: str) -> list[str | None]:
    """The texts of every scalar at a path (or at `*.key`), in order; None for a null."""
    return [leaf.text for leaf in leaves(event) if not leaf.is_key and _at(leaf, path)]


def _at(leaf: Leaf, field: str) -> bool:
    return leaf.key == field[2:].lower() if field.startswith("*.") else leaf.path == field


def present(event: dict[str, Any], field: str) -> bool:
    """Whether some scalar that is not null stands at the field, or anywhere below it."""
    below = [leaf for leaf in leaves(event) if not leaf.is_key and leaf.text is not None]
    if field.startswith("*."):
        return any(_at(leaf, field) for leaf in below)
    return any(leaf.path == field or leaf.path.startswith(field + ".") for leaf in below)


def evaluate(rule: EventRule, event: dict[str, Any], classify: Classify, when: int | None = None) -> bool:
    """Whether the event satisfies the rule: one of its conditions holds.

    `when` is the event's time in microseconds UTC, which only lookups in tables with validity ask for.
    """
    dated = replace(rule, selections=tuple(_at_time(each, when) for each in rule.selections))
    selections = {selection.name: selection for selection in dated.selections}
    return any(holds(condition, selections, event, classify) for condition in rule.conditions)


@dataclass(frozen=True)
class _Listed:
    """A lookup at one time: the texts, in lower case, that are in its column then."""

    texts: frozenset[str]


def _at_time(selection: Selection, when: int | None) -> Selection:
    def item(one: Item) -> Item:
        tests = (_listed(t, when) if isinstance(t, LookupTest) else t for t in one.tests)
        return replace(one, tests=tuple(tests))

    return replace(selection, alternatives=tuple(tuple(map(item, i)) for i in selection.alternatives))


def _listed(test: LookupTest, when: int | None) -> Any:
    held = set()
    for key, begin, end in test.keys.rows.iter_rows():
        begun = begin is None or (when is not None and begin <= when)
        lasts = end is None or (when is not None and when < end)
        if test.always or (begun and lasts):
            held.add(key)
    return _Listed(frozenset(held))


def holds(
    condition: Condition, selections: dict[str, Selection], event: dict[str, Any], classify: Classify
) -> bool:
    match condition:
        case Ref(name):
            return selected(selections[name], event, classify)
        case Not(operand):
            return not holds(operand, selections, event, classify)
        case And(operands):
            return all(holds(each, selections, event, classify) for each in operands)
        case Or(operands):
            return any(holds(each, selections, event, classify) for each in operands)
    raise TypeError(condition)


def selected(selection: Selection, event: dict[str, Any], classify: Classify) -> bool:
    alternatives = [
        all(item_holds(item, event, classify) for item in items) for items in selection.alternatives
    ]
    return any(alternatives)


def item_holds(item: Item, event: dict[str, Any], classify: Classify) -> bool:
    answers = [test_holds(test, item.field, event, classify) for test in item.tests]
    answer = all(answers) if item.every else any(answers)
    return not answer if item.negated else answer


def test_holds(test: Test, field: str | None, event: dict[str, Any], classify: Classify) -> bool:
    """One test of one field. A field that is missing or null satisfies only the tests of absence."""
    if isinstance(test, NullTest | ExistsTest):
        wanted = isinstance(test, ExistsTest) and test.expected
        return present(event, field or "") is wanted
    return any(value_holds(test, text, path, classify) for text, path in _asked(test, field, event))


test_holds.__test__ = False  # it is no test of pytest's


def _asked(test: Test, field: str | None, event: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts a test looks at: of its field, or of the whole record.

    A keyword is searched for in every value and in the path that leads to it; a detector looks at every value
    and every key.
    """
    found = [leaf for leaf in leaves(event) if leaf.text is not None]
    if field is not None:
        return [(leaf.text, leaf.path) for leaf in found if not leaf.is_key and _at(leaf, field)]
    if isinstance(test, PiiTest):
        return [(leaf.text, leaf.path) for leaf in found]
    values = [(leaf.text, leaf.path) for leaf in found if not leaf.is_key]
    return values + [(leaf.path, leaf.path) for leaf in leaves(event)]


def value_holds(test: Test, text: str, path: str, classify: Classify) -> bool:
    """One test of one text."""
    match test:
        case TextTest(pattern, cased):
            return matches(pattern, text, cased=cased)
        case NumberTest(number):
            return same_number(text, number)
        case BoolTest(value):
            return text.lower() == text_of(value)
        case CompareTest(name, bound):
            return is_number(text) and _COMPARE[name](float(text), float(bound))
        case RegexTest(pattern, flags):
            return re.search(_as_rust(pattern, flags), text, _flags(flags)) is not None
        case CidrTest(network):
            return inside(text, network)
        case PiiTest(detectors):
            found = classify(text, path)[1]
            return bool(found) and ("any" in detectors or bool(found & set(detectors)))
        case PlaintextTest(expected):
            state = classify(text, path)[0]
            return state != "absent" and (state in PLAINTEXT) is expected
        case StateTest(states):
            return classify(text, path)[0] in states
        case _Listed(texts):
            return text.lower() in texts
    raise TypeError(test)


def matches(pattern: Pattern, text: str, *, cased: bool) -> bool:
    """The whole text against literals and wildcards; `*` and `?` stand for line breaks too."""
    fold = (lambda part: part) if cased else str.lower
    wild = {Wild.MANY: ".*", Wild.ONE: "."}
    written = "".join(wild[p] if isinstance(p, Wild) else re.escape(fold(p)) for p in pattern.parts)
    return re.fullmatch(written, fold(text), re.DOTALL) is not None


def is_number(text: str) -> bool:
    """Whether the text is a JSON number (RFC 8259, section 6)."""
    return _JSON_NUMBER.fullmatch(text) is not None


def same_number(text: str, number: float) -> bool:
    """Equal as numbers; from 2^53 on, where a float no longer tells neighbours apart, digit by digit."""
    if abs(number) >= 2**53:
        return text == str(number)
    return is_number(text) and float(text) == float(number)


def inside(text: str, network: str) -> bool:
    """Whether the text is an address of the network."""
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return False


def _flags(flags: str) -> re.RegexFlag:
    known = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
    combined = re.RegexFlag(0)
    for flag in flags:
        combined |= known[flag]
    return combined


def _as_rust(pattern: str, flags: str) -> str:
    """Python's `$` also stands before a last line break, Rust's does not."""
    if "m" in flags:
        return pattern
    return re.sub(r"(\\.|\[[^\]]*\])|\$", lambda found: found[1] or r"\Z", pattern)
