"""Tests of the rule tree to polars expressions: one dispatch table, one small function per irregular case.

Every expression is two-valued: a null cell gives false (true for the tests that ask for absence), so that
`not` is a real complement. A node without an entry raises; nothing is approximated.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from monitor.detectors import SHIPPED, Catalogue
from monitor.errors import CompileError
from monitor.frames import TIME
from monitor.rules.tree import (
    And,
    BoolTest,
    CidrTest,
    CompareTest,
    Condition,
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

JSON_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
"""A text that counts as a number (RFC 8259, section 6)."""

EXACT_FLOATS = 2**53
"""Integers below this are exact as Float64; larger ones are compared by their text."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"


def number_of(text: pl.Expr) -> pl.Expr:
    """The text as Float64 where it is a JSON number, else null."""
    return pl.when(text.str.contains(JSON_NUMBER)).then(text.cast(pl.Float64, strict=False))


def pattern_regex(pattern: Pattern) -> str:
    """The pattern as an anchored Rust regex; `*` and `?` also cover newlines."""
    wild = {Wild.MANY: ".*", Wild.ONE: "."}
    return (
        r"(?s)\A"
        + "".join(wild[p] if isinstance(p, Wild) else regex_escape(p) for p in pattern.parts)
        + r"\z"
    )


def regex_escape(text: str) -> str:
    """The text as a literal in Rust regex syntax, which refuses some of the escapes Python writes."""
    return re.sub(r"([\\.+*?()|\[\]{}^$#&\-~])", r"\\\1", text)


def regex_text(test: RegexTest) -> str:
    """The expression with its flags in front."""
    return f"(?{test.flags}){test.pattern}" if test.flags else test.pattern


def folded(pattern: Pattern) -> Pattern:
    """The pattern in lower case; the values it is compared with are lower-cased the same way."""
    return Pattern(tuple(p if isinstance(p, Wild) else p.lower() for p in pattern.parts))


def _text(test: TextTest, text: pl.Expr) -> pl.Expr:
    pattern, value = (test.pattern, text) if test.cased else (folded(test.pattern), text.str.to_lowercase())
    match pattern.parts:
        case ():
            found = value == ""
        case (Wild.MANY,):
            found = value.is_not_null()
        case (str(literal),):
            found = value == literal
        case (Wild.MANY, str(literal)):
            found = value.str.ends_with(literal)
        case (str(literal), Wild.MANY):
            found = value.str.starts_with(literal)
        case (Wild.MANY, str(literal), Wild.MANY):
            found = value.str.contains(literal, literal=True)
        case _:
            found = value.str.contains(pattern_regex(pattern))
    return found


def _number(test: NumberTest, text: pl.Expr) -> pl.Expr:
    if abs(test.value) >= EXACT_FLOATS:
        return text == str(test.value)
    return number_of(text) == float(test.value)


_COMPARE: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    "lt": lambda number, bound: number < bound,
    "lte": lambda number, bound: number <= bound,
    "gt": lambda number, bound: number > bound,
    "gte": lambda number, bound: number >= bound,
}


def _cidr(test: CidrTest, text: pl.Expr) -> pl.Expr:
    network = ipaddress.ip_network(test.network, strict=False)
    if isinstance(network, ipaddress.IPv4Network):
        return text.str.contains(ipv4_regex(network))
    return text.map_batches(
        lambda values: _inside(values, network), return_dtype=pl.Boolean(), is_elementwise=True
    )


def ipv4_regex(network: ipaddress.IPv4Network) -> str:
    """The texts of all addresses of the network, as an anchored regex over dotted quads."""
    octets = []
    for index, octet in enumerate(network.network_address.packed):
        bits = min(max(network.prefixlen - 8 * index, 0), 8)
        if bits == 8:
            octets.append(str(octet))
        elif bits == 0:
            octets.append(_OCTET)
        else:
            octets.append("(?:" + "|".join(str(octet + low) for low in range(1 << (8 - bits))) + ")")
    return "^" + r"\.".join(octets) + "$"


def _inside(values: pl.Series, network: ipaddress.IPv6Network) -> pl.Series:
    def inside(value: str | None) -> bool:
        try:
            return value is not None and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return pl.Series(values.name, [":" in (v or "") and inside(v) for v in values], dtype=pl.Boolean)


def _lookup(test: LookupTest, text: pl.Expr) -> pl.Expr:
    """Over a frame with TIME where the answer depends on it."""
    keys = test.keys
    if keys is None:
        raise CompileError(f"the table '{test.table}' was never looked for; load rules by rules/ruleset.py")
    if not test.timed:
        return text.map_batches(keys.ever, return_dtype=pl.Boolean(), is_elementwise=True)
    return pl.struct(text.alias("text"), pl.col(TIME)).map_batches(
        lambda both: keys.at(both.struct.field("text"), both.struct.field(TIME)),
        return_dtype=pl.Boolean(),
        is_elementwise=True,
    )


EXPRESSIONS: dict[type, Callable[[Any, pl.Expr], pl.Expr]] = {
    TextTest: _text,
    NumberTest: _number,
    BoolTest: lambda test, text: text.str.to_lowercase() == ("true" if test.value else "false"),
    NullTest: lambda _, text: text.is_null(),
    ExistsTest: lambda test, text: text.is_not_null() if test.expected else text.is_null(),
    CompareTest: lambda test, text: _COMPARE[test.operator](number_of(text), float(test.value)),
    RegexTest: lambda test, text: text.str.contains(regex_text(test)),
    CidrTest: _cidr,
    LookupTest: _lookup,
}
"""How each test reads over one String column. Detector tests have none: see `monitor.engine.atoms`."""


def test_expr(test: Test, text: pl.Expr) -> pl.Expr:
    """Two-valued expression of a test over a String column.

    Raises:
        CompileError: the test has no entry in the table.
    """
    build = EXPRESSIONS.get(type(test))
    if build is None:
        raise CompileError(f"no expression for {type(test).__name__}; add it to rules/compile.py EXPRESSIONS")
    return build(test, text).fill_null(value=False)


def any_test_expr(tests: Sequence[Test], text: pl.Expr) -> pl.Expr:
    """Whether one of the tests holds over a String column; long lists of words are looked up as one.

    Raises:
        CompileError: a test has no entry in the table.
    """
    equal: dict[bool, list[str]] = {}
    inside: dict[bool, list[str]] = {}
    others = []
    for test in tests:
        parts = test.pattern.parts if isinstance(test, TextTest) else ()
        cased = isinstance(test, TextTest) and test.cased
        match parts:
            case (str(literal),):
                equal.setdefault(cased, []).append(literal)
            case (Wild.MANY, str(literal), Wild.MANY):
                inside.setdefault(cased, []).append(literal)
            case _:
                others.append(test_expr(test, text))
    for found, ask in ((equal, _is_one_of), (inside, _holds_one_of)):
        asked = (ask(literals, text, cased=cased) for cased, literals in found.items())
        others += [each.fill_null(value=False) for each in asked]
    return pl.any_horizontal(others) if others else pl.lit(value=False)


def _is_one_of(literals: Sequence[str], text: pl.Expr, *, cased: bool) -> pl.Expr:
    if cased:
        return text.is_in(literals)
    return text.str.to_lowercase().is_in([each.lower() for each in literals])


def _holds_one_of(literals: Sequence[str], text: pl.Expr, *, cased: bool) -> pl.Expr:
    if cased:
        return text.str.contains_any(list(literals))
    return text.str.to_lowercase().str.contains_any([each.lower() for each in literals])


def catalogue_of(test: PiiTest | PlaintextTest | StateTest) -> Catalogue:
    """Where the test looks its detector classes up."""
    return test.catalogue or SHIPPED


def asks_absence(test: Test) -> bool:
    """Whether the test is true of a field that is not there (over arrays: of no element)."""
    return isinstance(test, NullTest) or (isinstance(test, ExistsTest) and not test.expected)


def item_expr(item: Item, exprs: Sequence[pl.Expr]) -> pl.Expr:
    """Combine the expressions of an item's tests, one per test, as `|all` and `|neq` say."""
    joined = pl.all_horizontal(exprs) if item.every else pl.any_horizontal(exprs)
    return ~joined if item.negated else joined


def selection_expr(selection: Selection, item: Callable[[Item], pl.Expr]) -> pl.Expr:
    """Alternatives of items, each item built by `item`."""
    alternatives = [pl.all_horizontal([item(i) for i in items]) for items in selection.alternatives]
    return pl.any_horizontal(alternatives)


def condition_expr(condition: Condition, selections: dict[str, pl.Expr]) -> pl.Expr:
    """The condition over the expressions of its search identifiers."""
    match condition:
        case Ref(name):
            return selections[name]
        case Not(operand):
            return ~condition_expr(operand, selections)
        case And(operands):
            return pl.all_horizontal([condition_expr(o, selections) for o in operands])
        case Or(operands):
            return pl.any_horizontal([condition_expr(o, selections) for o in operands])
