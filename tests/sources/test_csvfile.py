"""CSV: RFC 4180, rows over several lines, bad rows that cost no neighbour, any chunk size."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.frames import RecordBatch, Table
from monitor.sources.chunks import Limits, LineReader
from monitor.sources.csvfile import MAX_ROW_LINES, CsvReader
from tests.sources.test_archive import Bytes, records, rejects


def read(
    text: str | bytes, position: int = 0, chunk: int = 1 << 20, longest: int = 1 << 20
) -> list[RecordBatch]:
    data = text.encode() if isinstance(text, str) else text
    reader = CsvReader(LineReader(Bytes(data, 1 << 20), "p", Limits(chunk, longest)), "p")
    return [
        RecordBatch("p", c.offsets, c.next_position, c.payload, rejects=c.rejects, facts=c.facts)
        for c in reader.chunks(position)
    ]


def columns(batches: list[RecordBatch]) -> list[str]:
    payload = batches[0].payload
    assert isinstance(payload, Table)
    return payload.frame.columns


def bad(batches: list[RecordBatch]) -> dict[int, str]:
    return {offset: reason for offset, reason, _ in rejects(batches)}


def test_rows_have_the_number_of_their_first_line():
    batches = read('id,note\n1,"two\nlines, ""quoted"""\n2,\n')
    assert columns(batches) == ["id", "note"]
    assert records(batches) == [(1, ("1", 'two\nlines, "quoted"')), (3, ("2", None))]
    assert batches[-1].next_position == 4


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(separator):
    batches = read(separator.join("ab") + "\r\n" + separator.join("12") + "\r\n")
    assert (columns(batches), records(batches)) == (["a", "b"], [(1, ("1", "2"))])


def test_names_are_each_there_once():
    assert columns(read("\ufeffid,id,,id_2\n1,2,3,4\n")) == ["id", "id_2", "column_3", "id_2_2"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1", "bad_row"),
        ("1,2,3", "bad_row"),
        ('"1,2', "bad_row"),
        ('"1"x,2', "bad_row"),
        ("", "blank"),
        ("  ", "blank"),
    ],
)
def test_a_bad_row_costs_no_neighbour(row, reason):
    batches = read(f"a,b\n1,2\n{row}\n3,4\n5,6\n")
    assert bad(batches) == {2: reason}
    assert records(batches) == [(1, ("1", "2")), (3, ("3", "4")), (4, ("5", "6"))]


def test_a_quote_inside_a_cell_is_a_quote():
    assert records(read('a,b\n5" pipe,2\n3,4\n')) == [(1, ('5" pipe', "2")), (2, ("3", "4"))]


def test_a_quote_that_never_closes_costs_its_line_only():
    rows = "".join(f"{number},x\n" for number in range(3 * MAX_ROW_LINES))
    batches = read(f'a,b\n"1,2\n{rows}', chunk=4_000)
    assert bad(batches) == {1: "bad_row"}
    assert [offset for offset, _ in records(batches)] == list(range(2, 3 * MAX_ROW_LINES + 2))


def test_a_line_that_is_too_long_between_rows():
    batches = read("a,b\n1,2\n" + "x" * 100 + "\n3,4\n", longest=50)
    assert bad(batches) == {2: "too_long"}
    assert records(batches) == [(1, ("1", "2")), (3, ("3", "4"))]


def test_a_line_that_is_too_long_inside_a_row():
    batches = read('a,b\n1,2\n3,"4\n' + "x" * 100 + '\n5"\n6,7\n', longest=50, chunk=50)
    assert bad(batches) == {2: "bad_row", 3: "too_long", 4: "bad_row"}
    assert records(batches) == [(1, ("1", "2")), (5, ("6", "7"))]


def test_bytes_that_are_no_text_are_replaced_and_counted():
    batches = read(b"a,b\ncaf\xe9,1\nx,2\n")
    assert records(batches)[0] == (1, ("caf\ufffd", "1"))
    assert batches[0].facts == (("utf8_replaced", 1),)


CELLS = st.text(st.sampled_from('ab",\n é'), max_size=5)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.integers(30, 80), st.integers(0, 20))
def test_what_was_written_is_read_in_any_chunk_size(rows, chunk, position):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    line, expected = 1, []
    for row in rows:
        expected.append((line, tuple(cell or None for cell in row)))
        line += 1 + row[0].count("\n") + row[1].count("\n")
    batches = read(text.getvalue(), position, chunk)
    assert records(batches) == [row for row in expected if row[0] >= position]
    assert rejects(batches) == []


@given(st.text(st.sampled_from('ab",\n\r'), max_size=60), st.integers(1, 30))
def test_anything_is_rows_and_rejects_the_same_in_any_chunk_size(text, chunk):
    whole, parts = read("a,b\n" + text), read("a,b\n" + text, chunk=chunk)
    assert records(parts) == records(whole)
    assert rejects(parts) == rejects(whole)
