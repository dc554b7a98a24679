"""Whatever the bytes, the loader ends with diagnostics or a rule set: no traceback, no hang."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.rules.checking import checked

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "rules").rglob("*.yml"))
PIECES = [
    *(b"|", b":", b"- ", b"\n", b"\t", b"'", b'"', b"*", b"&a ", b"*a", b"[", b"]", b"{", b"}", b"!x "),
    *(b"---\n", b"<<: ", b"\x00", b"\xff", b"\xc2\x85", b"null", b"|re: ", b"|gt: ", b"(((", b"not "),
    *(b" of ", b"1e999", b"0x_", b"? ", b"|all", b"x_", b"detection", b"correlation", b"filter", b"{n}"),
]


def sound(data):
    ruleset, found = checked(data)
    assert (ruleset is None) == any(each.severity == "error" for each in found)
    for each in found:
        assert each.render().startswith("rule.yml:")
        assert each.span.line >= 1
        assert each.span.column >= 1


@st.composite
def mutated(draw):
    """A shipped rule with a few pieces put in, taken out or moved."""
    data = draw(st.sampled_from(SHIPPED)).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 20))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        data = data[:at] + piece * draw(st.sampled_from([1, 1, 1, 80])) + data[at + cut :]
    return data


@settings(max_examples=400)
@given(mutated())
@example(b"a: !!python/name:os.system\n")
@example(b"title: A\ndetection: *x\n")
@example(b"title: &a [*a]\n")
def test_mutated_rules(data):
    sound(data)


LOOSE_TEXT = st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=200)
@given(st.binary(max_size=200) | LOOSE_TEXT)
def test_arbitrary_bytes(data):
    sound(data)


KEYS = st.sampled_from(
    [
        *("title", "id", "level", "logsource", "category", "detection", "correlation", "filter", "condition"),
        *(
            "rules",
            "type",
            "timespan",
            "group-by",
            "x_tests",
            "x_alert",
            "x_privacy",
            "x_window",
            "x_expires",
        ),
        *("status", "selection", "f|re", "f|gte", "f|pii", "'|all'", "events", "set"),
    ]
)
SCALARS = st.sampled_from(
    [
        *(
            "any",
            "a",
            "selection",
            "1h",
            "event_count",
            "value_sum",
            "7",
            "1.5",
            "true",
            "null",
            ".nan",
            "'*'",
        ),
        *("2026-01-01", "'('", "'not selection'", "'all of them'", "low", "stable", "match"),
    ]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(KEYS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.lists(TREES, min_size=1, max_size=3))
def test_any_keys_with_any_values(documents):
    sound("\n---\n".join(documents).encode())
