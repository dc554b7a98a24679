"""Reading YAML: places, strictness, hostile files."""

import pytest

from monitor.rules.diagnostics import Problems
from monitor.rules.document import MAX_BYTES, MAX_DEPTH, MapNode, Scalar, plain, read


def nodes(text):
    problems = Problems()
    return read("f.yml", text.encode() if isinstance(text, str) else text, problems), problems.items


def value(text):
    documents, _ = nodes("a: " + text)
    return plain(documents[0])["a"]


def test_nodes_know_line_and_column():
    (document,), found = nodes("title: A\nlist:\n  - one\n  - two: 2\n")
    assert not found
    assert isinstance(document, MapNode)
    second = document.pairs[1][1].items[1]
    assert (second.pairs[0][0].span.line, second.pairs[0][0].span.column) == (4, 5)
    assert str(second.pairs[0][1].span) == "f.yml:4:10"


def test_a_file_may_hold_many_documents_and_empty_ones_are_left_out():
    documents, found = nodes("a: 1\n---\n---\nb: 2\n...\n")
    assert [plain(each) for each in documents] == [{"a": 1}, {"b": 2}]
    assert not found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23 10:00:00", "2026-11-23 10:00:00"),
        ("'7'", "7"),
        ("7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("0x1F", 31),
        ("0x_", "0x_"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("=", "="),
        ('"\\u0040"', "@"),
        ("|\n  x\n  y\n", "x\ny\n"),
    ],
)
def test_scalars_are_yaml_1_1_but_dates_stay_text(text, expected):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [("on", "true"), ("No", "false"), ("010", "8"), ("1:30", "90"), ("1_000", "1000"), ("1:30.5", "90.5")],
)
def test_surprising_words_are_warned_about(text, read_as):
    _, (found,) = nodes(f"a: {text}\n")
    assert (found.code, found.message) == ("yaml-ambiguous", f"YAML reads '{text}' as {read_as}.")


@pytest.mark.parametrize("text", ["0", "-0", "0.5", "+1", "0b11", "0x0A", "'on'", "FALSE"])
def test_plain_words_are_not(text):
    assert nodes(f"a: {text}\n")[1] == []


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", "3:1"),
        ("a:\n\tb: 1\n", "yaml-syntax", "2:1"),
        ("a: [1\n", "yaml-syntax", "2:1"),
        ("a: b: c\n", "yaml-syntax", "1:5"),
        ("x: 1\na: \x07\n", "yaml-syntax", "2:4"),
        ("a: 1\n---\nb: [\n", "yaml-syntax", "4:1"),
        ("a: !!python/object:os.system x\n", "yaml-tag", "1:4"),
        ("a: !secret x\n", "yaml-tag", "1:4"),
        ("a: !!map {b: 1}\n", "yaml-tag", "1:4"),
        ("? [a]\n: 1\n", "yaml-key", "1:3"),
        ("? {a: 1}\n: 1\n", "yaml-key", "1:3"),
        ("a: &a {b: 1}\nc:\n  <<: *a\n", "yaml-key", "3:3"),
        ("a: *b\n", "yaml-alias", "1:4"),
        ("a: &a [*a]\n", "yaml-alias", "1:8"),
        ("a: &a 1\n---\nb: *a\n", "yaml-alias", "3:4"),
        ("", "file-empty", "1:1"),
        ("---\n---\n", "file-empty", "1:1"),
        (b"a: 1\nb: \xff\n", "file-not-utf8", "2:4"),
        (b"\xff\xfea\x00", "file-not-utf8", "1:1"),
        (b"x" * (MAX_BYTES + 1), "file-too-large", "1:1"),
        ("[" * 200_000, "yaml-too-deep", f"1:{MAX_DEPTH + 2} 1:1001"),  # the latter: libyaml from 0.2.6 on
        ("- " * 200_000, "yaml-too-deep", f"1:{2 * MAX_DEPTH + 3}"),
        ("[0,\n" * 200_000, "yaml-too-deep", f"{MAX_DEPTH + 1}:2"),
        ("[" + "0," * 100_001 + "]", "yaml-too-big", "1:200000"),
    ],
)
def test_what_is_refused_and_where(text, code, place):
    _, found = nodes(text)
    (only,) = found
    assert only.code == code
    assert str(only.span) in [f"f.yml:{one}" for one in place.split()]
    assert found[0].render()


def test_aliases_work_and_bombs_do_not():
    (document,), found = nodes("a: &a {b: 1}\nc: *a\n")
    assert plain(document) == {"a": {"b": 1}, "c": {"b": 1}}
    assert not found
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    documents, found = nodes(bomb)
    assert documents is None
    assert [each.code for each in found] == ["yaml-too-big"]


def test_a_byte_order_mark_and_windows_line_ends_are_fine():
    (document,), found = nodes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    assert plain(document) == {"a": 1, "b": "x"}
    assert not found
    assert str(document.pairs[1][0].span) == "f.yml:2:1"


def test_keys_are_text_as_written():
    (document,), _ = nodes("yes: 1\n2026-01-01: 2\n7: 3\n")
    assert list(plain(document)) == ["yes", "2026-01-01", "7"]
    assert all(isinstance(key, Scalar) for key, _ in document.pairs)


def test_lines_are_counted_as_yaml_counts_them():
    # A form feed breaks no line; the next-line character does.
    _, found = nodes('a: "x\x85y"\nb: 1\nb: 2\n')
    assert [(each.code, each.source_line) for each in found] == [("duplicate-key", "b: 2")]
