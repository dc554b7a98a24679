"""The condition grammar."""

import pytest

from monitor.rules.condition import MAX_DEPTH, ConditionError, names_in, parse_condition, rename
from monitor.rules.tree import And, Not, Or, Ref

A, B, C = Ref("a"), Ref("b"), Ref("c")
NAMES = ("a", "b", "c", "sel_1", "sel_2", "_hidden", "notepad")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("not a", Not(A)),
        ("not not a", Not(Not(A))),
        ("a and b and c", And((A, B, C))),
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and c", And((Or((A, B)), C))),
        ("not a and b", And((Not(A), B))),
        ("not (a and b)", Not(And((A, B)))),
        ("a and not b or c", Or((And((A, Not(B))), C))),
        ("  a\n  and b ", And((A, B))),
        ("notepad", Ref("notepad")),
        ("1 of sel_*", Or((Ref("sel_1"), Ref("sel_2")))),
        ("any of sel_*", Or((Ref("sel_1"), Ref("sel_2")))),
        ("all of sel_*", And((Ref("sel_1"), Ref("sel_2")))),
        ("all of sel_1", Ref("sel_1")),
        ("not 1 of sel_*", Not(Or((Ref("sel_1"), Ref("sel_2"))))),
        ("1 of *_1", Ref("sel_1")),
        ("1 of _*", Ref("_hidden")),
        ("_hidden", Ref("_hidden")),
        ("all of them", And(tuple(Ref(name) for name in NAMES if name != "_hidden"))),
    ],
)
def test_what_conditions_mean(text, expected):
    assert parse_condition(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "code", "offset", "message"),
    [
        ("", "condition-syntax", 0, "The condition ends too early."),
        ("a and", "condition-syntax", 5, "The condition ends too early."),
        ("a b", "condition-syntax", 2, "'b' is not expected here."),
        ("a and and b", "condition-syntax", 6, "'and' is not expected here."),
        ("()", "condition-syntax", 1, "')' is not expected here."),
        ("(a", "condition-syntax", 2, "The condition ends too early."),
        ("(a b", "condition-syntax", 3, "A ')' is missing here."),
        ("a)", "condition-syntax", 1, "')' is not expected here."),
        ("a & b", "condition-syntax", 2, "'&' is not expected here."),
        ("1 of not", "condition-syntax", 5, "'not' is not expected here."),
        ("2 of sel_*", "unknown-selection", 0, "The rule has no selection '2'."),
        ("sel_*", "condition-syntax", 0, "'sel_*' is not expected here."),
        ("a AND b", "condition-syntax", 2, "'AND' is not expected here."),
        ("a | count() > 5", "condition-pipe", 2, "Aggregation after a pipe is no longer Sigma."),
        ("a and d", "unknown-selection", 6, "The rule has no selection 'd'."),
        ("1 of x_*", "unknown-selection", 5, "No selection matches 'x_*'."),
        (
            "not " * 60 + "a",
            "condition-syntax",
            4 * (MAX_DEPTH + 1),
            f"The condition is nested deeper than {MAX_DEPTH} levels.",
        ),
    ],
)
def test_what_is_refused_and_where(text, code, offset, message):
    with pytest.raises(ConditionError) as refused:
        parse_condition(text, NAMES)
    assert (refused.value.code, refused.value.offset, refused.value.message) == (code, offset, message)


def test_upper_case_operators_are_explained():
    with pytest.raises(ConditionError) as refused:
        parse_condition("a AND b", NAMES)
    assert refused.value.cure == "Write 'and' in lower case."


def test_near_names_are_suggested():
    with pytest.raises(ConditionError) as refused:
        parse_condition("notpad", NAMES)
    assert refused.value.cure.startswith("Did you mean 'notepad'? ")


def test_only_hidden_selections_are_no_them():
    with pytest.raises(ConditionError, match="No selection matches 'them'"):
        parse_condition("all of them", ("_a",))


def test_hostile_conditions_end():
    many = tuple(f"s{n}" for n in range(3000))
    with pytest.raises(ConditionError, match="more than 10000 times"):
        parse_condition(" or ".join(["1 of them"] * 10_000), many)
    with pytest.raises(ConditionError, match="nested deeper"):
        parse_condition("(" * 500_000, NAMES)
    assert parse_condition(" and ".join(["a"] * 9_000), NAMES) == And((A,) * 9_000)


def test_names_and_renaming():
    condition = parse_condition("a and not (b or c)", NAMES)
    assert names_in(condition) == {"a", "b", "c"}
    assert rename(condition, "x:") == And((Ref("x:a"), Not(Or((Ref("x:b"), Ref("x:c"))))))
