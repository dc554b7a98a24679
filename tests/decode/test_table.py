"""Tables: the same columns, times and leaves as the same events in JSON."""

import datetime as dt

import polars as pl
import pytest

from monitor.decode.json_lines import JsonDecoder
from monitor.decode.table import TableDecoder, needed
from monitor.frames import ROW, TIME, Lines, RecordBatch, Table
from tests.decode.support import SECOND, events, leaves, rows, wanting


def table(frame: pl.DataFrame) -> RecordBatch:
    return RecordBatch("t.parquet", range(frame.height), frame.height, Table(frame))


def read(found):
    return found.narrowed(found.frame[ROW]).frame


EVENTS = [
    {"ts": 1_700_000_000, "user": {"name": "ann", "age": 7}, "tags": ["a", "b"], "note": "x", "score": 1.0},
    {
        "ts": 1_700_000_001,
        "user": {"name": None, "age": None},
        "tags": None,
        "note": '{"k":1}',
        "score": 0.25,
    },
    {"ts": None, "user": None, "tags": [], "note": None, "score": 1e-7},
]
PROJECTION = wanting("user.name", "user.age", "tags", "note", "score", "gone")


def test_the_same_as_in_json():
    found = TableDecoder(PROJECTION).decode(table(pl.DataFrame(EVENTS)))
    assert rows(found) == rows(JsonDecoder(PROJECTION).decode(events(*EVENTS)))


def test_leaves_are_those_of_json_without_nulls():
    found = TableDecoder(PROJECTION).decode(table(pl.DataFrame(EVENTS)))
    told = JsonDecoder(PROJECTION).decode(events(*EVENTS))
    for row in range(2):
        assert leaves(found, row) == [leaf for leaf in leaves(told, row) if leaf[2] is not None]


def searched(found, part):
    return set(found.cells.search(pl.col("text").str.contains(part, literal=True))["__row"])


def test_the_cells_hold_everything_when_asked():
    found = TableDecoder(wanting("note", everything=True)).decode(table(pl.DataFrame(EVENTS)))
    for part in ("1700000000", "ann", "7", "a"):
        assert 0 in searched(found, part), part
    assert searched(found, '{"k":1}') == searched(found, "0.25") == searched(found, "1700000001") == {1}
    assert searched(found, "0.0000001") == {2}
    assert set(found.cells.search(pl.lit(True), nested=True)["__row"]) == {1}
    assert found.cells.under({"name"}).select("__row", "path", "key", "text").rows() == [
        (0, "user.name", "name", "ann")
    ]
    assert set(found.cells.at(pl.col("path") == "score")) == {0, 1, 2}


@pytest.mark.parametrize(
    "values",
    [
        [dt.datetime(2026, 11, 1, tzinfo=dt.UTC)],
        [dt.datetime(2026, 11, 1)],
        [dt.date(2026, 11, 1)],
        ["2026-11-01T00:00:00Z"],
        [1_793_491_200_000],
        [1_793_491_200.0],
    ],
)
def test_times_of_any_type(values):
    found = TableDecoder(wanting()).decode(table(pl.DataFrame({"timestamp": values})))
    assert found.frame[TIME].to_list() == [1_793_491_200 * SECOND]


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (pl.Series([True]), "true"),
        (pl.Series([b"caf\xc3\xa9"]), "café"),
        (pl.Series([b"\xff"]), "\ufffd"),
        (pl.Series([1e300]), "1" + "0" * 300),
        (pl.Series([float("nan")]), "NaN"),
        (pl.Series([0.1], dtype=pl.Float32), "0.10000000149011612"),
        (pl.Series(["a"], dtype=pl.Categorical), "a"),
        (pl.Series([dt.datetime(2026, 11, 1, 1, tzinfo=dt.UTC)]), "2026-11-01T01:00:00+00:00"),
        (pl.Series([None]), None),
    ],
)
def test_the_text_of_a_cell(series, text):
    found = TableDecoder(wanting("a", everything=True)).decode(table(pl.DataFrame({"a": series})))
    assert read(found)["a"].to_list() == [text]
    assert [leaf for _, _, leaf in leaves(found)] == ([] if text is None else [text])


def test_a_column_named_like_a_struct_field():
    frame = pl.DataFrame(
        {"user.name": ["a", None, "b"], "user": [{"name": None}, {"name": "c"}, {"name": "d"}]}
    )
    found = TableDecoder(wanting("user.name", "user")).decode(table(frame))
    assert found.irregular.to_list() == [True, True, True]  # `user` is wanted, and an object
    found = TableDecoder(wanting("user.name")).decode(table(frame))
    assert read(found)["user.name"].to_list()[:2] == ["a", "c"]
    assert found.irregular.to_list() == [False, False, True]


def test_only_needed_columns():
    columns = ["id", "user", "user.name", "ts", "other"]
    assert needed(columns, wanting("user.name")) == ["user", "user.name", "ts"]
    assert needed(columns, wanting("gone", time_fields=("at",))) == ["id"]
    assert needed(columns, wanting(everything=True)) == columns


def test_lines_are_no_table():
    with pytest.raises(TypeError, match="format table"):
        TableDecoder(wanting()).decode(RecordBatch("t", range(0), 0, Lines(b"")))


def test_no_rows():
    found = TableDecoder(wanting("a")).decode(table(pl.DataFrame()))
    assert (read(found).height, read(found).columns[-1]) == (0, "a")


@pytest.mark.parametrize(
    ("roles", "first"),
    [
        (["clerk", "auditor"], "clerk"),
        (["clerk"], "clerk"),
        (["", "clerk"], ""),
        ([" clerk", "x, y"], None),
        (["[clerk]"], None),
        (['cl"erk'], None),
        (["c\u00e9"], "c\u00e9"),
    ],
)
def test_of_a_field_that_leads_a_list_of_texts_is_its_first(roles, first):
    """Where that can be told without taking the record apart; else its leaves say."""
    projection = wanting("user.roles", "id", first=(), leading=("user.roles",))
    record = {"id": "1", "user": {"roles": roles}}
    from_json = rows(JsonDecoder(projection).decode(events(record)))
    (_, _, odd, *told) = from_json[0]
    assert (odd, dict(zip(["user.roles", "id"], told, strict=True))["user.roles"]) == (first is None, first)
    found = TableDecoder(projection).decode(table(pl.DataFrame([record])))
    if first is not None:
        assert rows(found) == from_json
    other = wanting("user.roles", "id", first=())
    assert rows(JsonDecoder(other).decode(events(record)))[0][2], "of other fields every value counts"
    assert rows(TableDecoder(other).decode(table(pl.DataFrame([record]))))[0][2]


def test_a_path_that_another_field_asks_as_well_leads_nothing():
    aliases = (("role", ("user.roles",)),)
    projection = wanting("user.roles", "role", first=(), leading=("user.roles",), aliases=aliases)
    assert rows(JsonDecoder(projection).decode(events({"user": {"roles": ["a", "b"]}})))[0][2]
