"""Fields, modifiers and values: what each line of a selection becomes."""

import pytest

from monitor.rules.modifiers import ALIASES, LATER, ROLES
from monitor.rules.tree import (
    BoolTest,
    CidrTest,
    CompareTest,
    ExistsTest,
    NullTest,
    NumberTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    RegexTest,
    StateTest,
    TextTest,
    Wild,
)
from monitor.rules.values import regex_error
from tests.rules.checking import check, detection, rule_of

MANY, ONE = Wild.MANY, Wild.ONE


def text(*parts, cased=False):
    return TextTest(Pattern(parts), cased)


def item_of(line):
    rule = rule_of(f"read:\n    {line}\ncondition: read")
    ((item,),) = rule.selections[0].alternatives
    return item


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        ("f: abc", [text("abc")]),
        ("f: [a, 'b*']", [text("a"), text("b", MANY)]),
        ("f: ''", [text()]),
        ("f: null", [NullTest()]),
        ("f:", [NullTest()]),
        ("f: 7", [NumberTest(7)]),
        ("f: 7.0", [NumberTest(7)]),
        ("f: 7.5", [NumberTest(7.5)]),
        ("f: '7'", [text("7")]),
        ("f: true", [BoolTest(True)]),
        ("f: 2026-11-23", [text("2026-11-23")]),
        ("f: 9223372036854775807", [NumberTest(9223372036854775807)]),
        ("f|contains: a", [text(MANY, "a", MANY)]),
        ("f|contains: 7", [text(MANY, "7", MANY)]),
        ("f|startswith: a?", [text("a", ONE, MANY)]),
        ("f|endswith: a", [text(MANY, "a")]),
        ("f|cased: A", [text("A", cased=True)]),
        ("f|cased|contains: A", [text(MANY, "A", MANY, cased=True)]),
        ("f|contains|cased: A", [text(MANY, "A", MANY, cased=True)]),
        ("f|exists: true", [ExistsTest(True)]),
        ("f|exists: false", [ExistsTest(False)]),
        ("f|re: 'a\\*b+'", [RegexTest("a\\*b+")]),
        ("f|re: 7", [RegexTest("7")]),
        ("f|re|i: a", [RegexTest("a", "i")]),
        ("f|re|s|i|m: a", [RegexTest("a", "ims")]),
        ("f|re|ignorecase|dotall|multiline: a", [RegexTest("a", "ims")]),
        ("f|lt: 1", [CompareTest("lt", 1)]),
        ("f|lte: 1.5", [CompareTest("lte", 1.5)]),
        ("f|gt: -1", [CompareTest("gt", -1)]),
        ("f|gte: 1", [CompareTest("gte", 1)]),
        ("f|cidr: 192.0.2.0/24", [CidrTest("192.0.2.0/24")]),
        ("f|cidr: 2001:DB8::/32", [CidrTest("2001:db8::/32")]),
        ("f|cidr: 192.0.2.7", [CidrTest("192.0.2.7/32")]),
        ("f|pii: email", [PiiTest(("email",))]),
        ("f|pii: any", [PiiTest(("any",))]),
        ("f|pii: [email, iban, email]", [PiiTest(("email", "iban"))]),
        ("f|pii|all: [email, iban]", [PiiTest(("email",)), PiiTest(("iban",))]),
        ("f|plaintext: true", [PlaintextTest(True)]),
        ("f|plaintext: false", [PlaintextTest(False)]),
        ("f|state: raw", [StateTest(("raw",))]),
        ("f|state: [raw, opaque]", [StateTest(("raw", "opaque"))]),
        ("'|contains': a", [text(MANY, "a", MANY)]),
        ("'|pii': email", [PiiTest(("email",))]),
        ("'|re': a+", [RegexTest("a+")]),
        ("'|cased': A", [text(MANY, "A", MANY, cased=True)]),
    ],
)
def test_each_value_becomes_a_test(line, tests):
    assert list(item_of(line).tests) == tests


@pytest.mark.parametrize(
    ("line", "field", "every", "negated"),
    [
        ("a.b: 1", "a.b", False, False),
        ("'*.mail': 1", "*.mail", False, False),
        ("a b: 1", "a b", False, False),
        ("f|contains|all: [a, b]", "f", True, False),
        ("f|all: [a, b]", "f", True, False),
        ("f|neq: [a, b]", "f", False, True),
        ("f|contains|all|neq: [a, b]", "f", True, True),
        ("f|re|all: [a, b]", "f", True, False),
        ("'|all': [a, b]", None, True, False),
    ],
)
def test_how_values_join(line, field, every, negated):
    item = item_of(line)
    assert (item.field, item.every, item.negated) == (field, every, negated)


@pytest.mark.parametrize(
    ("body", "alternatives"),
    [
        ("read: word", [[(None, [text(MANY, "word", MANY)])]]),
        ("read: [a, 7, true]", [[(None, [text(MANY, w, MANY) for w in ("a", "7", "true")])]]),
        ("read: ['*a', '']", [[(None, [text(MANY, "a", MANY), text(MANY)])]]),
        ("read: {f: a, g: b}", [[("f", [text("a")]), ("g", [text("b")])]]),
        ("read: [{f: a}, {g: b}]", [[("f", [text("a")])], [("g", [text("b")])]]),
        ("read: [{f: a}, b]", [[("f", [text("a")])], [(None, [text(MANY, "b", MANY)])]]),
        ("read: [[a, b], {f: c}]", [[(None, [text(MANY, w, MANY) for w in "ab"])], [("f", [text("c")])]]),
    ],
)
def test_maps_are_and_lists_are_or(body, alternatives):
    selection = rule_of(f"{body}\ncondition: read").selections[0]
    shape = [[(item.field, list(item.tests)) for item in items] for items in selection.alternatives]
    assert shape == alternatives


@pytest.mark.parametrize(
    ("line", "code", "column", "message"),
    [
        ("f|contain: a", "unknown-modifier", 11, "There is no modifier 'contain'."),
        ("f|: a", "unknown-modifier", 11, "There is no modifier ''."),
        (
            "f|base64: a",
            "modifier-unsupported",
            11,
            "The modifier 'base64' is not evaluated in this release.",
        ),
        (
            "f|all|re: a",
            "modifier-order",
            15,
            "'re' reads the value as it is written, so nothing may come before it.",
        ),
        ("f|i: a", "modifier-order", 11, "'i' is a flag of 're', which does not come before it."),
        ("f|contains|contains: a", "modifier-conflict", 20, "'contains' is there twice."),
        ("f|startswith|endswith: a", "modifier-conflict", 22, "'endswith' does not go with 'startswith'."),
        ("f|re|contains: a", "modifier-conflict", 14, "'contains' does not go with 're'."),
        ("f|re|cased: a", "modifier-conflict", 14, "'cased' does not go with 're'."),
        ("f|gt|lt: 1", "modifier-conflict", 14, "'lt' does not go with 'gt'."),
        ("f|exists|all: true", "modifier-conflict", 18, "'all' does not go with 'exists'."),
        ("f|state|all: [raw, masked]", "modifier-conflict", 17, "'all' does not go with 'state'."),
        ("'|gt': 1", "modifier-needs-field", 11, "'gt' asks about a field, and none is named."),
        (
            "'|startswith': a",
            "modifier-needs-field",
            11,
            "'startswith' asks about a field, and none is named.",
        ),
        ("f|gt: a", "modifier-value", 15, "'a' is no number."),
        ("f|gt: true", "modifier-value", 15, "'true' is no number."),
        ("f: .inf", "modifier-value", 12, "'.inf' is out of range."),
        ("f: 9223372036854775808", "modifier-value", 12, "'9223372036854775808' is out of range."),
        ("f|contains: null", "modifier-value", 21, "'contains' needs text, not null."),
        ("f|contains: true", "modifier-value", 21, "'contains' needs text, not true."),
        ("f|cased: ~", "modifier-value", 18, "'cased' needs text, not ~."),
        ("'|contains': null", "modifier-value", 22, "A keyword needs text, not null."),
        ("f|re: null", "modifier-value", 15, "'re' needs a regular expression."),
        ("f|cidr: 192.0.2.1/24", "modifier-value", 17, "This is no network: 192.0.2.1/24 has host bits set."),
        ("f|exists: 'true'", "modifier-value", 20, "'exists' takes true or false."),
        ("f|exists: [true, false]", "modifier-value", 26, "'exists' takes one value."),
        ("f|plaintext: 1", "modifier-value", 22, "'plaintext' takes true or false."),
        ("f|pii: emial", "modifier-value", 16, "'emial' is no detector."),
        ("f|state: clear", "modifier-value", 18, "'clear' is no protection state."),
        ("f: []", "empty-list", 12, "An empty list of values matches nothing."),
        ("f: {a: 1}", "wrong-type", 12, "A map is no value of a field."),
        ("f: [[a]]", "wrong-type", 13, "A list is no value of a field."),
        ("'a*b': 1", "invalid-field", 10, "'a*b' is no field."),
        ("'*.': 1", "invalid-field", 10, "'*.' is no field."),
        ("'*.a.b': 1", "invalid-field", 10, "'*.a.b' is no field."),
        ("__row: 1", "invalid-field", 9, "'__row' is a column of the engine, not a field of events."),
    ],
)
def test_what_is_refused_and_where(line, code, column, message):
    found = [each for each in check(detection(f"read:\n    {line}\ncondition: read")) if each.code == code]
    assert [(str(each.span), each.message) for each in found] == [(f"rule.yml:7:{column}", message)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("read: {}", "The selection 'read' is empty."),
        ("read: []", "The selection 'read' is empty."),
        ("read: [{}]", "The selection 'read' is empty."),
    ],
)
def test_empty_selections_are_refused(body, message):
    found = check(detection(f"{body}\ncondition: read"))
    assert [each.message for each in found if each.code == "empty-list"] == [message]


def test_all_problems_of_one_key_are_reported():
    found = check(detection("read:\n    f|contians|windash|gt: 1\ncondition: read"))
    assert [each.code for each in found if each.code != "missing-test"] == [
        "unknown-modifier",
        "modifier-unsupported",
    ]


@pytest.mark.parametrize("name", sorted(LATER))
def test_the_boundary_of_the_release_is_named(name):
    (found,) = [
        each
        for each in check(detection(f"read:\n    f|{name}: a\ncondition: read"))
        if each.code == "modifier-unsupported"
    ]
    assert name in found.message
    assert not {name} & {*ROLES, *ALIASES}


@pytest.mark.parametrize(
    ("pattern", "flags", "offset", "reason"),
    [
        ("user(?=name)", "", 4, "look-around, including look-ahead and look-behind, is not supported"),
        ("é(?<!x)", "i", 1, "look-around, including look-ahead and look-behind, is not supported"),
        ("(a)\\1", "ims", 3, "backreferences are not supported"),
        ("a[", "", 1, "unclosed character class"),
        ("  a(", "", 3, "unclosed group"),
        ("a\n(?=b)", "", 0, "look-around, including look-ahead and look-behind, is not supported"),
        ("(a{1000}){1000}", "", 0, "Compiled regex exceeds size limit of 10485760 bytes"),
    ],
)
def test_the_engine_says_what_it_refuses(pattern, flags, offset, reason):
    assert regex_error(pattern, flags) == (offset, reason)


def test_the_engine_takes_the_rest():
    assert regex_error(r"(?x) ^a+ \d{2,3} (?:b|c)$ \p{L}", "im") is None
