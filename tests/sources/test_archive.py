"""Archives: every file kind and compression, any chunk size, resumed anywhere, damaged."""

import datetime as dt
import gzip
import json
import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.errors import InputError
from monitor.frames import Lines, Projection, RecordBatch, Table
from monitor.model import Checkpoint, Logsource, Reject
from monitor.sources.archive import ArchiveSource, Progress
from monitor.sources.chunks import Limits, LineReader
from tests.support.fixtures import fixtures_dir, needs_fixtures


def read(source: ArchiveSource, checkpoints: dict[str, Checkpoint] | None = None) -> list[RecordBatch]:
    source.start(checkpoints or {})
    batches = []
    while not source.exhausted:
        batch = source.poll(0)
        if batch is not None:
            batches.append(batch)
    source.close()
    return batches


def records(batches: list[RecordBatch]) -> list[tuple[int, object]]:
    """(offset, record) of everything read; the record is bytes, or a row of a table."""
    found: list[tuple[int, object]] = []
    for batch in batches:
        match batch.payload:
            case Lines(data):
                texts = data.removesuffix(b"\n").split(b"\n") if batch.offsets else []
                found += zip(batch.offsets, texts, strict=True)
            case Table(frame):
                found += zip(batch.offsets, frame.rows(), strict=True)
    return found


def rejects(batches: list[RecordBatch]) -> list[tuple[int, str, int]]:
    return [(each.offset, each.reason, each.length) for batch in batches for each in batch.rejects]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


SOME = b'{"a":1}\n{"a":2}\n\n{"a":3}'


# --- which files -----------------------------------------------------------------------------------------


def test_paths_globs_and_folders_each_file_once(tmp_path):
    for name in ("b.log", "a.log", "in/deep/c.log", ".hidden", "in/.git/d.log"):
        write(tmp_path / name, name.encode())
    source = ArchiveSource([tmp_path / "b.log", tmp_path, str(tmp_path / "**/*.log")])
    names = [Path(batch.partition.partition("#")[0]).name for batch in read(source)]
    assert names == ["b.log", "a.log", "c.log"]


@pytest.mark.parametrize("pattern", ["missing.log", "*.none"])
def test_a_pattern_that_names_nothing(tmp_path, pattern):
    with pytest.raises(InputError, match="no file"):
        ArchiveSource([tmp_path / pattern]).start({})


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="no file"):
        ArchiveSource([tmp_path]).start({})


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        ArchiveSource([tmp_path / "pipe"]).start({})


def test_a_file_that_goes_away(tmp_path):
    source = ArchiveSource([write(tmp_path / "a.log", b"x")])
    source.start({})
    (tmp_path / "a.log").unlink()
    with pytest.raises(InputError, match=r"a\.log: cannot be read"):
        source.poll(0)


def test_a_source_said_twice_and_empty_files(tmp_path):
    source = ArchiveSource([write(tmp_path / "empty.log", b""), write(tmp_path / "a.log", b"x\n")])
    assert source.exhausted
    assert records(read(source)) == [(0, b"x")]
    assert source.exhausted
    assert source.poll(0) is None
    assert records(read(source)) == [(0, b"x")]


def test_a_batch_says_its_format_and_logsource(tmp_path):
    write(tmp_path / "a.log", SOME)
    write(tmp_path / "b.log", b"plain\n")
    batches = read(ArchiveSource([tmp_path], logsource=Logsource(product="shop")))
    assert [batch.format for batch in batches] == ["json", "text"]
    assert {batch.logsource for batch in batches} == {Logsource(product="shop")}
    assert [batch.format for batch in read(ArchiveSource([tmp_path], format="text"))] == ["text", "text"]


def test_progress(tmp_path):
    source = ArchiveSource([write(tmp_path / "a.log", b"x\n" * 10), write(tmp_path / "b.log", b"y\n")])
    source.start({})
    assert source.progress == Progress(0, 22)
    source.poll(0)
    assert source.progress.done == 20
    while source.poll(0):
        pass
    assert source.progress == Progress(22, 22)


# --- bytes -----------------------------------------------------------------------------------------------


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize(
    "packed",
    [
        SOME,
        gzip.compress(SOME),
        gzip.compress(SOME[:10]) + gzip.compress(SOME[10:]) + b"\0" * 100,
        zstd(SOME),
        zstd(SOME[:10]) + zstd(SOME[10:]),
    ],
    ids=["plain", "gzip", "gzip members", "zstd", "zstd frames"],
)
def test_compressions(tmp_path, packed):
    batches = read(ArchiveSource([write(tmp_path / "a.log", packed)]))
    assert records(batches) == [(0, b'{"a":1}'), (1, b'{"a":2}'), (2, b""), (3, b'{"a":3}')]
    assert batches[-1].next_position == 4
    assert batches[0].format == "json"


MANY = b"".join(b"%d %s\n" % (number, os.urandom(8).hex().encode()) for number in range(20_000))


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_file_that_is_cut_gives_what_it_has(tmp_path, pack):
    write(tmp_path / "a.log", pack(MANY)[:-60_000])
    write(tmp_path / "b.log", b"x\n")
    batches = read(ArchiveSource([tmp_path]))
    found = records(batches)
    assert found[-1] == (0, b"x")
    kept = [record for _, record in found[:-1]]
    assert len(kept) > 5_000
    assert kept == MANY.split(b"\n")[: len(kept)]
    assert [(offset, reason) for offset, reason, _ in rejects(batches)] == [(len(kept), "damaged_file")]


def test_text_after_gzip_is_damage(tmp_path):
    batches = read(ArchiveSource([write(tmp_path / "a.log.gz", gzip.compress(b"x\n") + b"garbage")]))
    assert records(batches) == [(0, b"x")]
    assert rejects(batches) == [(1, "damaged_file", 0)]


def test_gzip_of_nothing(tmp_path):
    assert read(ArchiveSource([write(tmp_path / "a.gz", gzip.compress(b""))])) == []


class Bytes:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        self.data, self.most = data, most

    def read(self, size: int) -> bytes:
        size = min(size, self.most)
        data, self.data = self.data[:size], self.data[size:]
        return data


LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=12)


@given(LINES, st.integers(1, 40), st.integers(1, 25), st.integers(1, 20), st.integers(0, 13), st.booleans())
def test_any_chunk_size_gives_the_same_lines(texts, chunk, longest, most, position, ended):
    data = b"\n".join(texts) + (b"\n" if ended and texts else b"")
    whole = data.removesuffix(b"\n").split(b"\n") if data else []
    reader = LineReader(Bytes(data, most), "p", Limits(chunk, longest))
    chunks = list(reader.chunks(position))
    batches = [RecordBatch("p", c.offsets, c.next_position, c.payload, rejects=c.rejects) for c in chunks]
    expected = list(enumerate(whole))[position:]
    assert records(batches) == [(offset, line) for offset, line in expected if len(line) <= longest]
    assert rejects(batches) == [
        (offset, "too_long", len(line)) for offset, line in expected if len(line) > longest
    ]
    if expected:
        assert batches[-1].next_position == len(whole)


def test_many_short_lines_are_several_chunks(monkeypatch):
    monkeypatch.setattr("monitor.sources.chunks.MAX_LINES", 3)
    chunks = list(LineReader(Bytes(b"\n" * 10 + b"a", 100), "p", Limits()).chunks(2))
    assert max(len(chunk.offsets) for chunk in chunks) <= 3
    assert [offset for chunk in chunks for offset in chunk.offsets] == list(range(2, 11))


def test_a_line_of_fifty_megabytes(tmp_path):
    path = tmp_path / "a.ndjson"
    with path.open("wb") as file:
        file.write(b'{"a":1}\n{"a":"')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"a":2}\n')
    batches = read(ArchiveSource([path]))
    assert records(batches) == [(0, b'{"a":1}'), (2, b'{"a":2}')]
    assert [each for batch in batches for each in batch.rejects] == [
        Reject(batches[0].partition, 1, "too_long", 50_000_008, '{"a":"a')
    ]
    decode = decoder("auto", Projection(fields=("a",))).decode
    assert [decode(batch).frame["a"].to_list() for batch in batches] == [["1"], ["2"]]


# --- going on --------------------------------------------------------------------------------------------


def kept(source: ArchiveSource, batch: RecordBatch) -> dict[str, Checkpoint]:
    return {batch.partition: source.checkpoint(batch, "plan")}


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.csv", "a.parquet"])
def test_going_on_after_each_chunk(tmp_path, monkeypatch, name):
    path = tmp_path / name
    if name.endswith(".parquet"):
        pl.DataFrame({"n": range(50)}).write_parquet(path, row_group_size=16)
        monkeypatch.setattr("monitor.sources.parquetfile.ROWS", 7)
    else:
        data = b"".join(b"line,%d\n" % number for number in range(50))
        write(path, gzip.compress(data) if name.endswith(".gz") else data)
    limits = Limits(chunk=60, record=60)
    source = ArchiveSource([path], limits=limits)
    batches = read(source)
    assert len(batches) > 3
    everything = records(batches)
    for number, batch in enumerate(batches):
        later = read(ArchiveSource([path], limits=limits), kept(source, batch))
        assert records(later) == everything[len(records(batches[: number + 1])) :]


def test_a_file_that_grew_goes_on_and_one_that_was_replaced_begins(tmp_path):
    path = write(tmp_path / "a.log", b"one\n")
    source = ArchiveSource([path])
    first = read(source)[-1]
    store = kept(source, first)
    write(path, b"one\n" + b"two\n" * 300)
    grown = read(source, store)
    assert {batch.partition for batch in grown} == {first.partition}
    assert records(grown) == [(number, b"two") for number in range(1, 301)]
    again = kept(source, grown[-1])
    assert read(ArchiveSource([path]), again) == []
    write(path, b"new\n")
    replaced = read(source, again)
    assert records(replaced) == [(0, b"new")]
    assert replaced[0].partition != first.partition


# --- tables ----------------------------------------------------------------------------------------------


def test_only_the_needed_columns_of_parquet_are_read(tmp_path):
    frame = pl.DataFrame({"user": [{"name": "a"}], "other": [1], "ts": [1_700_000_000]})
    frame.write_parquet(tmp_path / "a.parquet")
    batch = read(ArchiveSource([tmp_path], projection=Projection(fields=("user.name",))))[0]
    assert isinstance(batch.payload, Table)
    assert batch.payload.frame.columns == ["user.name", "ts"]
    events = decoder("auto", Projection(fields=("user.name",))).decode(batch)
    assert events.narrowed(events.frame["__row"]).frame["user.name"].to_list() == ["a"]


@pytest.mark.parametrize("keep", [200, 10, 4])
def test_parquet_that_is_cut(tmp_path, keep):
    pl.DataFrame({"n": range(1000)}).write_parquet(tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    write(path, path.read_bytes()[:keep])
    batches = read(ArchiveSource([path]))
    assert rejects(batches) == [(0, "damaged_file", 0)]
    assert decoder("auto", Projection(fields=("n",))).decode(batches[0]).frame.height == 0


@pytest.mark.parametrize("form", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("chunk", [7, 1000])
def test_utf_16_is_read_as_utf_8(tmp_path, form, chunk):
    path = tmp_path / "windows.log"
    mark = b"" if form == "utf-16" else b"\xfe\xff"
    path.write_bytes(mark + "Grüße 💡\r\nan ada@nordwind-shop.de\n".encode(form) + b"x")
    found = records(read(ArchiveSource([path], limits=Limits(chunk=chunk))))
    assert [record for _, record in found] == [
        "Grüße 💡\r".encode(), b"an ada@nordwind-shop.de", "\ufffd".encode()
    ]  # fmt: skip


def test_a_duration_in_parquet_is_text(tmp_path):
    path = tmp_path / "a.parquet"
    took = dt.timedelta(hours=1, seconds=2)
    pl.DataFrame({"a": [took, None], "b": [{"c": took}, None], "d": [[took], None]}).write_parquet(path)
    (batch,) = read(ArchiveSource([path]))
    events = decoder("auto", Projection(fields=("a", "b.c"), everything=True)).decode(batch)
    frame = events.narrowed(events.frame["__row"]).frame
    assert frame.select("a", "b.c").rows() == [("PT1H2S", "PT1H2S"), (None, None)]
    assert events.leaves(events.frame["__row"]).select("path", "text").rows() == [
        ("a", "PT1H2S"),
        ("b.c", "PT1H2S"),
        ("d", "PT1H2S"),
    ]


def test_parquet_equals_json(tmp_path):
    events = [{"user": {"name": f"u{n % 3}"}, "n": n, "ts": 1_700_000_000 + n} for n in range(100)]
    write(tmp_path / "a.ndjson", b"".join(json.dumps(event).encode() + b"\n" for event in events))
    pl.DataFrame(events).write_parquet(tmp_path / "a.parquet")
    projection = Projection(fields=("user.name", "n"))
    frames = []
    for name in ("a.ndjson", "a.parquet"):
        decode = decoder("auto", projection).decode
        batches = read(ArchiveSource([tmp_path / name], projection=projection))
        decoded = [decode(batch) for batch in batches]
        frames.append(
            pl.concat(d.narrowed(d.frame["__row"]).frame.drop("__raw", strict=False) for d in decoded)
        )
    assert frames[0].equals(frames[1])


def test_texts_that_repeat_are_read_once_whatever_row_group_they_are_in(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.sources.parquetfile.ROWS", 25)
    monkeypatch.setattr("monitor.sources.parquetfile._READ_ROWS", 10)
    names = [None if n % 7 == 0 else f"u{n % 4 + n // 20}" for n in range(60)]
    frame = pl.DataFrame({"user": [{"name": name} for name in names], "id": [f"i{n}" for n in range(60)]})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=10)
    batches = read(ArchiveSource([tmp_path / "a.parquet"]))
    assert [list(batch.offsets) for batch in batches] == [
        list(range(30)),
        list(range(30, 60)),
    ]
    found = []
    for batch in batches:
        assert list(batch.payload.texts) == ["user.name"], "the ids do not repeat"
        assert batch.payload.texts["user.name"].is_unique().all()
        events = decoder("auto", Projection(fields=("user.name", "id"))).decode(batch)
        found += events.narrowed(events.frame["__row"]).frame.select("user.name", "id").rows()
    assert found == list(zip(names, frame["id"], strict=True))


# --- real files ------------------------------------------------------------------------------------------

REAL = ["formats-lnav", "applog-elastic-kafka-cluster", "parse-beats-filebeat-modules", "syslog-elastic-auth"]


@needs_fixtures
@pytest.mark.parametrize("folder", REAL)
def test_every_line_of_real_logs_is_an_event_or_a_reject(folder):
    source = ArchiveSource([fixtures_dir(folder)])
    decode = decoder("auto", Projection(fields=("message", "user.name"))).decode
    for batch in read(source):
        events = decode(batch)
        own = len(events.rejects) - len(batch.rejects)
        assert events.frame.height + own == len(batch.offsets)
        assert events.irregular.len() == events.frame.height
        events.leaves(pl.Series(range(min(3, events.frame.height)), dtype=pl.UInt32))


@needs_fixtures
def test_real_json():
    source = ArchiveSource([fixtures_dir("access-elastic-nginxplus-json", "nginxplus_json_logs.ndjson")])
    decode = decoder("auto", Projection(fields=("nginx_version", "connections.active"))).decode
    frame = pl.concat(decode(batch).frame for batch in read(source))
    assert frame.height == 500
    assert frame.select(pl.all().null_count()).row(0) == (0,) * frame.width
