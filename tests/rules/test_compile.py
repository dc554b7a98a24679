"""The dispatch table: nothing without an entry, and tables that say what their source says."""

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.plan import is_detector
from monitor.errors import CompileError
from monitor.rules import compile as compiling
from monitor.rules import tree
from monitor.rules.compile import EXPRESSIONS, JSON_NUMBER, asks_absence, ipv4_regex, number_of
from monitor.rules.tree import (
    CidrTest,
    CompareTest,
    NumberTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    StateTest,
    TextTest,
)

EXAMPLES = (
    TextTest(Pattern(("a",))),
    NumberTest(5),
    tree.BoolTest(value=True),
    tree.NullTest(),
    tree.ExistsTest(expected=True),
    tree.ExistsTest(expected=False),
    CompareTest("gt", 5),
    tree.RegexTest("a"),
    CidrTest("192.0.2.0/24"),
    CidrTest("2001:db8::/32"),
)


def holds(test: tree.Test, values: list[str | None]) -> list[bool]:
    column = pl.DataFrame({"a": pl.Series(values, dtype=pl.String)})
    return column.select(compiling.test_expr(test, pl.col("a"))).to_series().to_list()


def test_every_test_is_answered_by_an_expression_or_by_a_detector() -> None:
    detected = [PiiTest(("email",)), PlaintextTest(), StateTest(("raw",))]
    assert all(is_detector(test) for test in detected)
    assert not any(is_detector(test) for test in EXAMPLES)
    assert set(get_args(tree.Test)) == set(EXPRESSIONS) | {type(test) for test in detected}


@pytest.mark.parametrize("test", [PiiTest(("email",)), PlaintextTest(), StateTest(("raw",))])
def test_a_detector_is_never_approximated_by_an_expression(test: tree.Test) -> None:
    with pytest.raises(CompileError, match=f"no expression for {type(test).__name__}"):
        compiling.test_expr(test, pl.col("a"))


def test_a_node_without_an_entry_is_an_error() -> None:
    @dataclass(frozen=True)
    class NewTest:
        value: str = ""

    with pytest.raises(CompileError, match="no expression for NewTest"):
        compiling.test_expr(NewTest(), pl.col("a"))  # type: ignore[arg-type]


@pytest.mark.parametrize("test", EXAMPLES, ids=repr)
def test_a_missing_value_satisfies_only_a_test_of_absence(test: tree.Test) -> None:
    assert holds(test, [None]) == [asks_absence(test)]


octets = st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 9, 10, 127, 128, 199, 200, 249, 250, 255]))
addresses = st.tuples(octets, octets, octets, octets).map(lambda four: ".".join(map(str, four)))
odd = st.sampled_from(
    ["", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.-4",
     "a.b.c.d", "1.2.3.4/32", "١.2.3.4", "::1", "::ffff:1.2.3.4", "1..2.3", "0x1.2.3.4", "1.2.3.04"]
)  # fmt: skip


def inside(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False


@given(addresses, st.integers(0, 32), st.lists(st.one_of(addresses, odd), max_size=30), st.data())
@settings(max_examples=150)
def test_ipv4_networks_are_those_of_ipaddress(
    base: str, bits: int, texts: list[str], data: st.DataObject
) -> None:
    network = ipaddress.IPv4Network((base, bits), strict=False)
    ends = [network[0], network[-1], network[0] - 1 if int(network[0]) else network[0]]
    near = [str(network[data.draw(st.integers(0, network.num_addresses - 1))]), *map(str, ends)]
    asked = [*texts, *near]
    assert holds(CidrTest(str(network)), asked) == [inside(text, network) for text in asked]


def test_a_network_written_with_host_bits_is_its_network() -> None:
    assert holds(CidrTest("192.0.2.77/24"), ["192.0.2.1", "192.0.3.1"]) == [True, False]
    assert ipv4_regex(ipaddress.IPv4Network("192.0.2.0/24")).startswith(r"^192\.0\.2\.")


@given(
    st.sampled_from(["2001:db8::/32", "::/0", "::1/128", "fe80::/10", "2001:db8:8000::/33"]),
    st.lists(st.one_of(st.ip_addresses(v=6).map(str), odd, st.just("2001:DB8:0:0:0:0:0:1")), max_size=10),
)
@settings(max_examples=60)
def test_ipv6_networks_are_those_of_ipaddress(net: str, texts: list[str]) -> None:
    network = ipaddress.IPv6Network(net)
    assert holds(CidrTest(net), texts) == [inside(text, network) for text in texts]


numbers = st.one_of(
    st.text(alphabet="0123456789+-.eE ", max_size=6),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["NaN", "Infinity", "0x1", "1_000", "٣", "1\n", " 1", "1e400", "-0", "00", "1.", ".1"]),
)


def is_json_number(text: str) -> bool:
    try:
        return (
            type(json.loads(text)) in {int, float}
            and text == text.strip()
            and text not in {"NaN", "Infinity"}
        )
    except ValueError:
        return False


@given(st.lists(numbers, max_size=20))
@settings(max_examples=150)
def test_a_number_is_what_json_calls_one(texts: list[str]) -> None:
    found = pl.DataFrame({"a": pl.Series(texts, dtype=pl.String)}).select(number_of(pl.col("a"))).to_series()
    expected = [float(text) if is_json_number(text) else None for text in texts]
    assert found.to_list() == expected
    assert [bool(re.match(JSON_NUMBER.replace("$", r"\Z"), text)) for text in texts] == [
        is_json_number(text) for text in texts
    ]


@given(st.sampled_from(["lt", "lte", "gt", "gte"]), st.integers(-3, 3), st.lists(numbers, max_size=10))
@settings(max_examples=60)
def test_comparisons_are_between_numbers(operator: str, bound: int, texts: list[str]) -> None:
    signs = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
    expected = [
        is_json_number(t) and eval(f"{float(t)!r} {signs[operator]} {bound}", {"inf": float("inf")})
        for t in texts
    ]
    assert holds(CompareTest(operator, bound), texts) == expected


literals = st.sampled_from(["a", "A", "ab", "straße", "K", "\u212a", "x.y", "5"])
text_tests = st.builds(
    TextTest,
    st.one_of(
        st.builds(lambda word: Pattern((word,)), literals),
        st.builds(lambda word: Pattern((tree.Wild.MANY, word, tree.Wild.MANY)), literals),
        st.builds(lambda word: Pattern((word, tree.Wild.MANY)), literals),
        st.just(Pattern(())),
    ),
    st.booleans(),
)


@given(
    st.lists(st.one_of(text_tests, st.sampled_from(EXAMPLES)), max_size=6),
    st.lists(st.one_of(st.none(), literals, st.just(""), st.text(max_size=3)), min_size=1, max_size=6),
)
@settings(max_examples=100, deadline=None)
def test_a_list_of_tests_holds_where_one_of_them_does(tests, values) -> None:
    column = pl.DataFrame({"a": pl.Series(values, dtype=pl.String)})
    found = column.with_columns(compiling.any_test_expr(tests, pl.col("a")).alias("found"))["found"].to_list()
    each = [holds(test, values) for test in tests]
    assert found == [any(answers[row] for answers in each) for row in range(len(values))]
