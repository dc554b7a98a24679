"""JSON records: columns, spellings, irregular rows, bad records, event times."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode.json_lines import JsonDecoder
from monitor.frames import RAW, TIME
from tests.decode.support import SECOND, events, leaves, lines, refused, rows, values, wanting

NAME = wanting("user.name")


def names(*records: str | bytes) -> list[tuple[str | None, bool]]:
    """(user.name, irregular) of each event."""
    batch = JsonDecoder(NAME).decode(lines(*records))
    return list(zip(batch.frame["user.name"], batch.irregular, strict=True))


def test_a_batch_has_rows_offsets_columns_and_the_text():
    record = '{"@timestamp":"2026-11-01T00:00:00Z","user":{"name":"ann"},"n":1.0}'
    batch = JsonDecoder(wanting("n", "user.name", "missing")).decode(lines(record, first=7))
    assert batch.frame.columns == ["__row", "__offset", "__time", "n", "user.name", "missing", RAW]
    assert batch.frame.rows() == [(0, 7, 1_793_491_200 * SECOND, "1", "ann", None, record)]
    assert batch.frame.dtypes[:4] == [pl.UInt32, pl.Int64, pl.Int64, pl.String]
    assert batch.haystack == (RAW,)
    assert not batch.irregular.any()


@pytest.mark.parametrize(
    ("record", "name", "irregular"),
    [
        ('{"user":{"name":"ann"}}', "ann", False),
        ('{"user.name":"ann"}', "ann", False),
        ('{"user":{"name":null}}', None, False),
        ('{"user":null}', None, False),
        ("{}", None, False),
        ('{"user":{"name":7}}', "7", False),
        ('{"user":{"name":true}}', "true", False),
        ('{"user":{"name":["ann"]}}', None, True),
        ('{"user":{"name":{"first":"ann"}}}', None, True),
        ('{"user":{"name":"{\\"first\\":\\"ann\\"}"}}', None, True),
        ('{"user":{"name":" [1]"}}', None, True),
        ('{"user":{"name":"[draft] ann"}}', "[draft] ann", False),
        ('{"user":[{"name":"ann"}]}', None, True),
        ('{"user":"[{\\"name\\":\\"ann\\"}]"}', None, True),
        ('{"user":"ann"}', None, False),
        ('{"user":{"name":"ann"},"user.name":"bob"}', None, True),
        ('{"us\\u0065r":{"name":"ann"}}', "ann", True),
        ('{"user\\u002ename":"ann"}', None, True),
        ('{"context":{"user.name":"ann","user":"x"}}', None, False),
        ('[{"user":{"name":"ann"}}]', None, True),
        (' {"user":{"name":"ann"}} ', "ann", False),
        ('\ufeff{"user":{"name":"ann"}}', "ann", False),
        ('{"user":{"name":"a\\u0000b"}}', "a\0b", False),
        ('{"user":{"name":"ann"},"user":{"name":"bob"}}', "ann", False),
    ],
)
def test_what_a_column_holds_and_what_it_cannot(record, name, irregular):
    (found, odd) = names(record)[0]
    assert odd == irregular
    assert found == name


def test_a_key_spelled_with_escapes_is_never_missed():
    batch = JsonDecoder(NAME).decode(lines('{"user\\u002ename":"ann"}'))
    assert batch.irregular[0]
    assert leaves(batch) == [("user.name", "name", "ann")]


@pytest.mark.parametrize(
    "record", ['{"a":{"b.c":1}}', '{"a.b":{"c":1}}', '{"a":{"b":{"c":[1]}}}', '{"a":{"b":[{"c":1}]}}']
)
def test_spellings_no_column_has_are_found_in_the_leaves(record):
    batch = JsonDecoder(wanting("a.b.c")).decode(lines(record))
    assert batch.irregular.to_list() == [True]
    assert ("a.b.c", "c", "1") in leaves(batch)


def test_aliases_fill_in_where_the_own_name_is_silent():
    projection = wanting("user.name", aliases=(("user.name", ("user", "actor.id")),))
    batch = JsonDecoder(projection).decode(
        events(
            {"user": {"name": "a"}},
            {"user": "b"},
            {"actor": {"id": "c"}},
            {"user": "d", "actor": {"id": "e"}},
        )
    )
    assert batch.frame["user.name"].to_list() == ["a", "b", "c", "d"]
    assert not batch.irregular.any()


def test_a_wanted_field_that_is_an_object_is_irregular():
    batch = JsonDecoder(wanting("user", "user.name")).decode(events({"user": {"name": "a"}}, {"user": "b"}))
    assert rows(batch) == [(0, None, True, None, "a"), (1, None, False, "b", None)]


def test_leaves_hold_everything_with_paths_without_indices():
    record = {
        "items": [{"Mail": "a"}, {"Mail": ["b", None]}],
        "inner": '{"deep":{"mail":"c"}}',
        "ok": True,
        "by": {"jo@nordwind-shop.de": {"n": 1}},
    }
    assert leaves(JsonDecoder(NAME).decode(events(record))) == [
        ("items.Mail", "mail", "a"),
        ("items.Mail", "mail", "b"),
        ("items.Mail", "mail", None),
        ("inner", "inner", '{"deep":{"mail":"c"}}'),
        ("inner.deep.mail", "mail", "c"),
        ("ok", "ok", "true"),
        ("by.{key}", "", "jo@nordwind-shop.de"),
        ("by.{key}.n", "n", "1"),
    ]


# --- records that are not JSON ---------------------------------------------------------------------------

GOOD = b'{"user":{"name":"ann"}}'
BAD = {
    b"": "blank",
    b" \t": "blank",
    b"nope": "not_json",
    b'{"a":1,}': "not_json",
    b"{'a':1}": "not_json",
    b'{"a":NaN}': "not_json",
    b'{"a":tru': "truncated",
    b'{"a":"b': "truncated",
    b'{"a":[1,': "truncated",
    b'{"a":{"b":1}': "truncated",
    b'{"a":1} x': "trailing_text",
    b'{"a":1}{"b":2}': "trailing_text",
    b"5": "not_an_object",
    b'"text"': "not_an_object",
    b"null": "not_an_object",
    b'{"a":"\xff"}': "not_utf8",
    b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}": "too_deep",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda record: record[:12])
@pytest.mark.parametrize("batch", [lines, values], ids=["lines", "values"])
def test_a_bad_record_has_a_reason_and_a_position_and_its_neighbours_live(bad, batch):
    found = JsonDecoder(NAME).decode(batch(GOOD, bad, GOOD, first=40))
    assert refused(found) == {41: BAD[bad]}
    assert found.rejects[0].length == len(bad)
    assert [(row[0], row[3]) for row in rows(found)] == [(40, "ann"), (42, "ann")]


@pytest.mark.parametrize(
    "record",
    [
        b'{"n":1e400,"user":{"name":"ann"}}',
        b'{"n":' + b"9" * 60 + b',"user":{"name":"ann"}}',
        b'{"n":"\\udc00\\ud800","user":{"name":"ann"}}',
        b'{"n":"tab\there","user":{"name":"ann"}}',
        b'{"n":' + b"[" * 900 + b"]" * 900 + b',"user":{"name":"ann"}}',
    ],
    ids=["float", "integer", "surrogates", "control", "deep"],
)
def test_json_that_only_polars_refuses_is_an_event(record):
    found = JsonDecoder(wanting("user.name", "n")).decode(lines(GOOD, record, b"bad", GOOD))
    assert refused(found) == {2: "not_json"}
    assert found.frame["user.name"].to_list() == ["ann"] * 3


def test_many_bad_records_in_a_large_batch():
    records = [GOOD if number % 10 else b'{"a":x}' for number in range(5000)]
    found = JsonDecoder(NAME).decode(lines(*records))
    assert len(found.rejects) == 500
    assert found.frame["__offset"].to_list() == [number for number in range(5000) if number % 10]


def test_the_sample_of_a_reject_shows_its_shape_only():
    found = JsonDecoder(NAME).decode(lines('mail jo@nordwind-shop.de id 4711 "Ünal" {'))
    assert found.rejects[0].sample == 'a a@a-a.a a 0 "a" {'


def test_pretty_printed_values_are_events():
    record = json.dumps({"user": {"name": "ann"}}, indent=2).encode()
    found = JsonDecoder(NAME).decode(values(record, GOOD))
    assert found.frame["user.name"].to_list() == ["ann", "ann"]
    assert leaves(found) == [("user.name", "name", "ann")]


def test_nothing_gives_nothing():
    found = JsonDecoder(NAME).decode(lines())
    assert found.frame.height == 0
    assert found.frame["user.name"].dtype == pl.String
    assert found.leaves(pl.Series([], dtype=pl.UInt32)).height == 0


def test_crlf_and_a_missing_last_newline():
    batch = lines(GOOD + b"\r", GOOD)
    cut = type(batch)(batch.partition, batch.offsets, 2, type(batch.payload)(batch.payload.data[:-1]))
    assert JsonDecoder(NAME).decode(cut).frame["user.name"].to_list() == ["ann", "ann"]


# --- time ------------------------------------------------------------------------------------------------


def test_the_first_candidate_that_is_a_time_wins_whatever_was_read_before():
    decoder = JsonDecoder(NAME)
    batch = events(
        {"ts": 1_700_000_000},
        {"@timestamp": "soon", "time": "2026-11-01T00:00:00Z", "ts": 1},
        {"event": {"created": 1_700_000_001}},
        {"event.created": 1_700_000_002},
        {},
    )
    expected = [1_700_000_000, 1_793_491_200, 1_700_000_001, 1_700_000_002, None]
    for _ in range(2):  # the second time all candidates are read at once
        times = decoder.decode(batch).frame[TIME].to_list()
        assert times == [time and time * SECOND for time in expected]


def test_declared_time_fields_are_the_only_ones():
    decoder = JsonDecoder(wanting("x", time_fields=("at",)))
    found = decoder.decode(events({"at": 1_700_000_000}, {"@timestamp": "2026-11-01T00:00:00Z"}))
    assert found.frame[TIME].to_list() == [1_700_000_000 * SECOND, None]


def test_the_brokers_time_stands_in():
    found = JsonDecoder(NAME).decode(values(b'{"ts":1700000000}', b"bad", b"{}", times=[1, 2, 3]))
    assert found.frame[TIME].to_list() == [1_700_000_000 * SECOND, 3]


# --- any split gives the same ----------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
)
KEYS = st.sampled_from(["user", "name", "user.name", "ts", "b", "a", "a.b", "@timestamp"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.one_of(
    st.dictionaries(KEYS, JSON, max_size=4).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(KEYS, JSON, max_size=4).map(
        lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    ),
    st.sampled_from(
        [*BAD, GOOD, b'{"n":1e400}', b'{"user":{"name":"x"},"n":"\\ud800x"}', b'{"user\\u002ename":1}']
    ),
)
PROJECTION = wanting("user", "user.name", "a.b", "b", aliases=(("b", ("a",)),))


@given(st.lists(RECORDS, max_size=8), st.data())
def test_any_split_gives_the_same_events(records, data):
    whole = JsonDecoder(PROJECTION).decode(lines(*records))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=3)))
    decoder = JsonDecoder(PROJECTION)
    parts = [
        decoder.decode(lines(*records[start:end], first=start))
        for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True)
    ]
    assert [row for part in parts for row in rows(part)] == rows(whole)
    assert [reject for part in parts for reject in part.rejects] == list(whole.rejects)


@given(st.lists(st.binary(max_size=40).map(lambda record: record.replace(b"\n", b" ")), max_size=6))
def test_any_bytes_are_events_or_rejects_and_no_neighbour_is_lost(records):
    mixed = [record for each in records for record in (each, GOOD)]
    for batch in (lines(*mixed), values(*mixed)):
        found = JsonDecoder(NAME).decode(batch)
        positions = [*found.frame["__offset"], *(reject.offset for reject in found.rejects)]
        assert sorted(positions) == list(range(len(mixed)))
        assert set(range(1, len(mixed), 2)) <= set(found.frame["__offset"])


NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(st.lists(st.dictionaries(KEYS, NESTED, max_size=4), min_size=1, max_size=4))
def test_the_column_of_a_regular_row_is_the_one_leaf_at_its_path(records):
    batch = JsonDecoder(PROJECTION).decode(events(*records))
    for row in (~batch.irregular).arg_true():
        found = leaves(batch, row)
        for path in ("user", "user.name", "a.b"):
            texts = [text for leaf, _, text in found if leaf == path and text is not None]
            column = batch.frame[path][row]
            assert texts == ([] if column is None else [column])
