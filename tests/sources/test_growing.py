"""Lines cut out of bytes that come bit by bit: the same in whatever bits."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model import Reject
from monitor.sources.chunks import Chunk, Limits
from monitor.sources.growing import Growing

LONGEST = 6


def growing(**more) -> Growing:
    return Growing("p", Limits(record=LONGEST), **more)


def told(chunks: list[Chunk]) -> tuple[list[tuple[int, bytes]], list[tuple[int, int]]]:
    """(number, line) of the lines, (number, length) of those that were too long."""
    lines = [
        (number, line.removesuffix(b"\n"))
        for chunk in chunks
        for number, line in zip(chunk.offsets, chunk.payload.data.splitlines(keepends=True), strict=True)
    ]
    return lines, [(one.offset, one.length) for chunk in chunks for one in chunk.rejects]


def all_of(lines: Growing, **more) -> list[Chunk]:
    return list(iter(lambda: lines.take(**more), None))


def test_a_line_waits_for_its_end():
    lines = growing()
    lines.feed(b"a\nbc")
    assert told(all_of(lines)) == ([(0, b"a")], [])
    assert (lines.line, lines.byte, lines.fed, lines.unfinished) == (1, 2, 4, True)
    lines.feed(b"d\n")
    assert told(all_of(lines)) == ([(1, b"bcd")], [])
    assert (lines.line, lines.byte, lines.unfinished) == (2, 6, False)
    assert lines.take(end=True) is None


def test_at_the_end_what_is_left_is_a_line():
    lines = growing(line=7, byte=100)
    lines.feed(b"abc")
    assert lines.take() is None
    assert told(all_of(lines, end=True)) == ([(7, b"abc")], [])
    assert (lines.line, lines.byte) == (8, 103)


def test_a_line_that_is_too_long_is_let_go_of_while_it_comes():
    lines = growing()
    for _ in range(1000):
        lines.feed(b"x1@" * 10)
        assert lines.take() is None
    assert sum(map(len, lines._pieces)) == 0
    assert (lines.byte, lines.fed) == (0, 30_000)
    lines.feed(b"y\nab\n")
    (chunk,) = all_of(lines)
    assert chunk.rejects == (Reject("p", 0, "too_long", 30_001, "a0@a0@a0@a0@a0@a0@a0@a0@a0@a0@"),)
    assert told([chunk])[0] == [(1, b"ab")]
    assert (lines.line, lines.byte) == (2, 30_005)


def test_a_chunk_has_so_many_lines_at_most():
    lines = growing(lines=2)
    lines.feed(b"a\nb\nc\nd\ne\n")
    assert [len(chunk.offsets) for chunk in all_of(lines)] == [2, 2, 1]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_the_longest_line_is_taken_and_one_byte_more_is_not(end):
    lines = growing()
    lines.feed(b"x" * LONGEST + b"\n" + b"x" * (LONGEST + 1) + end)
    assert told(all_of(lines, end=True)) == ([(0, b"x" * LONGEST)], [(1, LONGEST + 1)])


@given(
    data=st.binary(max_size=60).map(lambda some: bytes(b"\nab\0"[byte % 4] for byte in some)),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    most=st.integers(1, 4),
)
@example(data=b"aaaaaaaaa\n\n", cuts=[7, 9], most=1)
def test_the_same_lines_in_whatever_bits(data, cuts, most):
    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    lines, chunks = growing(lines=most), []
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, stop in pairwise(places):
        lines.feed(data[start:stop])
        assert lines.fed == stop
        chunks += all_of(lines)
    chunks += all_of(lines, end=True)
    taken, refused = told(chunks)
    assert taken == [(n, line) for n, line in enumerate(whole) if len(line) <= LONGEST]
    assert refused == [(n, len(line)) for n, line in enumerate(whole) if len(line) > LONGEST]
    assert (lines.line, lines.byte, lines.unfinished) == (len(whole), len(data), False)
    numbers = [chunk.next_position for chunk in chunks]
    assert numbers == sorted(set(numbers)), "every chunk moves the position"
