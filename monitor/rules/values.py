"""Values of a selection: each becomes the test that its modifiers ask for."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from typing import TypeAlias

import polars as pl

from monitor.detectors import SHIPPED, STATES
from monitor.rules.diagnostics import Problems, listing, suggestion
from monitor.rules.document import ListNode, MapNode, Node, Scalar
from monitor.rules.modifiers import SINGLE, Chain, parse_chain
from monitor.rules.pattern import contains, endswith, parse_pattern, startswith
from monitor.rules.reader import locate
from monitor.rules.tree import (
    BoolTest,
    CidrTest,
    CompareTest,
    ExistsTest,
    Item,
    LookupTest,
    NullTest,
    NumberTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    RegexTest,
    StateTest,
    Test,
    TextTest,
)

_WRAPS: dict[str, Callable[[Pattern], Pattern]] = {
    "contains": contains,
    "endswith": endswith,
    "startswith": startswith,
}
_INT64 = 1 << 63
_TABLE = re.compile(r"(?P<table>[A-Za-z0-9_-]+)(?:\.(?P<column>[A-Za-z0-9_-]+))?")


def build_item(key: Scalar | None, value: Node, problems: Problems) -> Item | None:
    """One line of a selection; None where it cannot be read, which is then reported.

    Args:
        key: `field|modifier|…`; None for keywords.
        value: a value or a list of them.
        problems: takes the diagnostics.
    """
    chain = Chain(None) if key is None else parse_chain(key, problems)
    values = _values(value, problems)
    if chain is None or values is None or not _count_is_fine(chain, key, values, problems):
        return None
    built = [BUILDERS[chain.kind](chain, each, problems) for each in values]
    tests = tuple(test for test in built if test is not None)
    if len(tests) < len(built):
        return None
    span = value.span if key is None else key.span
    return Item(chain.field, tests if chain.every else _merged(tests), chain.every, chain.negated, span)


def _values(value: Node, problems: Problems) -> tuple[Scalar, ...] | None:
    nodes = value.items if isinstance(value, ListNode) else (value,)
    if not nodes:
        cure = "Write a value; null asks for a missing field."
        problems.add("empty-list", value.span, "An empty list of values matches nothing.", cure)
        return None
    scalars = tuple(node for node in nodes if isinstance(node, Scalar))
    for node in nodes:
        if not isinstance(node, Scalar):
            given = "map" if isinstance(node, MapNode) else "list"
            cure = "Write text, a number, true, false, null, or one list of them."
            problems.add("wrong-type", node.span, f"A {given} is no value of a field.", cure)
    return scalars if len(scalars) == len(nodes) else None


def _count_is_fine(chain: Chain, key: Scalar | None, values: tuple[Scalar, ...], problems: Problems) -> bool:
    if key is not None and chain.every and len(values) == 1:
        cure = "Remove it, or give it a list of two values or more."
        problems.add("all-single", key.span, "'all' has one value to join.", cure, width=len(key.text))
    if chain.kind in SINGLE and len(values) > 1:
        problems.add("modifier-value", values[1].span, f"'{chain.kind}' takes one value.", "Keep one value.")
        return False
    return True


def _merged(tests: tuple[Test, ...]) -> tuple[Test, ...]:
    """Alternatives of detectors or of states are one test, so that the value is looked through once."""
    if all(isinstance(test, PiiTest) for test in tests):
        names = (name for test in tests if isinstance(test, PiiTest) for name in test.detectors)
        return (PiiTest(tuple(dict.fromkeys(names))),)
    if all(isinstance(test, StateTest) for test in tests):
        names = (name for test in tests if isinstance(test, StateTest) for name in test.states)
        return (StateTest(tuple(dict.fromkeys(names))),)
    return tests


def _refuse(value: Scalar, problems: Problems, message: str, cure: str) -> None:
    problems.add("modifier-value", locate(problems, value, 0), message, cure, width=len(value.text))


def _text(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    if chain.field is None or chain.wrap or chain.cased or isinstance(value.value, str):
        return _pattern(chain, value, problems)
    if value.value is None:
        return NullTest()
    if isinstance(value.value, bool):
        return BoolTest(value.value)
    number = _number(value, problems)
    return None if number is None else NumberTest(number)


def _pattern(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    if value.value is None or (chain.field is not None and isinstance(value.value, bool)):
        what = "A keyword" if chain.field is None else f"'{chain.wrap or 'cased'}'"
        _refuse(value, problems, f"{what} needs text, not {value.text or 'null'}.", "Quote the value.")
        return None
    # A keyword is searched for inside every value, so it is a `contains` unless it says otherwise.
    wrap = chain.wrap or ("contains" if chain.field is None else "")
    pattern = parse_pattern(value.text)
    return TextTest(_WRAPS[wrap](pattern) if wrap else pattern, cased=chain.cased)


def _number(value: Scalar, problems: Problems) -> int | float | None:
    number = value.value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        cure = "Write a number without quotes."
        _refuse(value, problems, f"'{value.text}' is no number.", cure)
        return None
    if not math.isfinite(number) or abs(number) >= _INT64:
        _refuse(value, problems, f"'{value.text}' is out of range.", "Write a number below 2^63.")
        return None
    return int(number) if float(number).is_integer() and abs(number) < _INT64 else number


def _compare(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    number = _number(value, problems)
    return None if number is None else CompareTest(chain.kind, number)


def _regex(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    if value.value is None:
        _refuse(value, problems, "'re' needs a regular expression.", "Quote the value.")
        return None
    verdict = regex_error(value.text, chain.flags)
    if verdict is None:
        return RegexTest(value.text, chain.flags)
    offset, reason = verdict
    span = locate(problems, value, offset)
    cure = "Write it in Rust regex syntax: linear time, no look-around, no back-references."
    problems.add("regex-invalid", span, f"The regular expression is refused: {reason}.", cure)
    return None


def regex_error(pattern: str, flags: str) -> tuple[int, str] | None:
    """Why the engine refuses a regular expression, and at which character from 0; None if it takes it."""
    prefix = f"(?{flags})" if flags else ""
    try:
        pl.Series([""]).str.contains(prefix + pattern)
    except pl.exceptions.ComputeError as error:
        # The engine shows the pattern, below it a line of carets, then `error: ` and the reason.
        lines = str(error).splitlines()
        reason = next(
            (line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0]
        )
        shown = "    " + prefix + pattern
        carets = lines[lines.index(shown) + 1] if shown in lines else ""
        offset = max(0, carets.find("^") - len(shown) + len(pattern))
        return offset, reason.removeprefix("regex error: ").strip().rstrip(".")
    return None


def _cidr(_chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    try:
        return CidrTest(str(ipaddress.ip_network(value.text)))
    except ValueError as error:
        _refuse(value, problems, f"This is no network: {error}.", "Write one such as 192.0.2.0/24.")
        return None


def _truth(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    if not isinstance(value.value, bool):
        _refuse(value, problems, f"'{chain.kind}' takes true or false.", "Write true or false.")
        return None
    return ExistsTest(value.value) if chain.kind == "exists" else PlaintextTest(value.value)


def _pii(_chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    words = problems.detectors or SHIPPED.words
    return PiiTest((value.text,)) if _known(value, words, "detector", problems) else None


def _state(_chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    return StateTest((value.text,)) if _known(value, STATES, "protection state", problems) else None


def _lookup(chain: Chain, value: Scalar, problems: Problems) -> Test | None:
    found = _TABLE.fullmatch(value.text) if value.value is not None else None
    if found is None:
        cure = "Write the name of a table, such as open_tickets, or with a column: open_tickets.customer."
        _refuse(value, problems, f"'{value.text}' names no table.", cure)
        return None
    return LookupTest(found["table"], found["column"] or "", always=chain.kind == "in")


def _known(value: Scalar, words: tuple[str, ...], what: str, problems: Problems) -> bool:
    if value.value is not None and value.text in words:
        return True
    detectors = (
        "docs/catalogue.md has all of them; name the settings that have a class of your own with --config"
    )
    cure = f"{suggestion(value.text, words)}{detectors if what == 'detector' else f'Write {listing(words)}'}."
    _refuse(value, problems, f"'{value.text}' is no {what}.", cure)
    return False


Builder: TypeAlias = Callable[[Chain, Scalar, Problems], Test | None]

BUILDERS: dict[str, Builder] = {
    "text": _text,
    "re": _regex,
    "cidr": _cidr,
    "exists": _truth,
    "plaintext": _truth,
    "pii": _pii,
    "state": _state,
    **dict.fromkeys(("in", "lookup"), _lookup),
    **dict.fromkeys(("lt", "lte", "gt", "gte"), _compare),
}
"""How a value is read under each kind."""
