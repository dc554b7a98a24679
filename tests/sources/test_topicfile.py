"""Archived topics: one row a record, at its position; what is out of order or twice is refused."""

from datetime import UTC, datetime

import polars as pl
import pytest

from monitor.errors import InputError
from monitor.model import Checkpoint, Claim
from monitor.sources.topicfile import TopicArchive

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
MICROS = 1_794_830_400_000_000


def archive(file, *rows, **columns):
    """Rows are (topic, partition, offset, value)."""
    names = ("topic", "partition", "offset", "value")
    values = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    pl.DataFrame(values | columns).write_parquet(file)
    return file


def read(source, checkpoints=None):
    source.start(checkpoints or {})
    found = []
    while not source.exhausted:
        if (batch := source.poll(0)) is not None:
            found.append((batch.partition, tuple(batch.offsets), batch.payload.items, batch.next_position))
    return found


def test_partitions_are_called_as_live_ones(tmp_path):
    file = archive(
        tmp_path / "a.parquet", ("logs", 1, 5, b"a"), ("audit-2", 0, 7, b"b"), ("logs", 1, 9, b"c")
    )
    source = TopicArchive([file])
    assert read(source) == [("logs-1", (5, 9), (b"a", b"c"), 10), ("audit-2-0", (7,), (b"b",), 8)]
    assert source.partitions == ("audit-2-0", "logs-1")
    assert source.progress.done == source.progress.total == file.stat().st_size


def test_what_the_store_has_read_is_left_out(tmp_path):
    file = archive(tmp_path / "a.parquet", *(("logs", 0, n, b"%d" % n) for n in range(6)))
    ((_, offsets, *_),) = read(TopicArchive([file]), {"logs-0": Checkpoint(4, "p")})
    assert offsets == (4, 5)
    claimed = TopicArchive([file], claim=lambda name: Claim(3, Checkpoint(5, "p")))
    claimed.start({})
    batch = claimed.poll(0)
    assert (batch.offsets, batch.generation) == ((5,), 3)


def test_times_of_the_broker_and_tombstones(tmp_path):
    rows = (("logs", 0, 0, "a"), ("logs", 0, 1, None), ("logs", 0, 2, "b"))
    for times in ([NOON] * 3, [MICROS // 1000] * 3):
        source = TopicArchive([archive(tmp_path / "a.parquet", *rows, timestamp=times)], format="text")
        source.start({})
        batch = source.poll(0)
        assert batch.broker_times == (MICROS, MICROS)
        assert (batch.offsets, batch.payload.items, batch.next_position) == ((0, 2), (b"a", b"b"), 3)
        assert (batch.facts, batch.format) == ((("tombstones", 1),), "text")
    source = TopicArchive([archive(tmp_path / "a.parquet", *rows, timestamp=[NOON, NOON, None])])
    source.start({})
    assert source.poll(0).broker_times is None


def test_of_a_folder_the_parquet_files_in_order(tmp_path):
    archive(tmp_path / "2.parquet", ("logs", 0, 3, b"c"))
    archive(tmp_path / "1.parquet", ("logs", 0, 0, b"a"), ("logs", 0, 2, b"b"))
    (tmp_path / "notes.txt").write_text("no records")
    assert [offsets for _, offsets, *_ in read(TopicArchive([tmp_path]))] == [(0, 2), (3,)]


def test_large_values_come_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.sources.topicfile.BYTES", 4096)
    file = archive(tmp_path / "a.parquet", *(("logs", 0, n, bytes(str(n) * 500, "ascii")) for n in range(40)))
    batches = read(TopicArchive([file]))
    assert len(batches) > 1
    assert [one for _, offsets, *_ in batches for one in offsets] == list(range(40))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("logs", 0, 3, b"a"), ("logs", 0, 2, b"b")], "offset 2 of logs-0 comes after a later one or twice"),
        ([("logs", 0, 3, b"a"), ("logs", 0, 3, b"b")], "offset 3 of logs-0 comes after a later one or twice"),
        ([("logs", 0, -1, b"a")], "offset -1 of logs-0"),
        ([("logs", None, 3, b"a")], "a record lacks its topic, partition or offset"),
        ([("logs", "x", 3, b"a")], "a column is of another kind"),
    ],
)
def test_places_that_are_none_are_refused(tmp_path, rows, said):
    with pytest.raises(InputError, match=said):
        TopicArchive([archive(tmp_path / "a.parquet", *rows)]).start({})


def test_files_out_of_order_are_named(tmp_path):
    archive(tmp_path / "1.parquet", ("logs", 0, 8, b"a"))
    archive(tmp_path / "2.parquet", ("logs", 0, 3, b"b"))
    with pytest.raises(InputError, match=r"2\.parquet: offset 3 of logs-0 .* \(after .*1\.parquet\)"):
        TopicArchive([tmp_path]).start({})


def test_other_tables_and_files_are_refused(tmp_path):
    pl.DataFrame({"message": ["a"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"topic, partition, offset, value lacks .* without --kafka-records"):
        TopicArchive([tmp_path / "a.parquet"]).start({})
    (tmp_path / "b.log").write_text("text")
    with pytest.raises(InputError, match="it is no Parquet file"):
        TopicArchive([tmp_path / "b.log"]).start({})
