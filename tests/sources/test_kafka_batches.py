"""Batches unpacked in one loop hold what the client itself finds in them, and fail where it fails."""

import kafka
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, UnsupportedCodecError
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from monitor.sources.kafka_batches import QuickRecords, quicken, rows_of

PARTITION = TopicPartition("logs", 0)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
BYTES = st.none() | st.binary(max_size=300) | st.integers(1, 3).map(lambda n: b"x" * 9000 * n)
RECORD = st.tuples(
    st.integers(1_700_000_000_000, 1_700_000_999_999),
    st.none() | st.binary(max_size=200),
    BYTES,
    st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=200)), max_size=3),
)


def batch(records, *, codec: int = 0, magic: int = 2, start: int = 0) -> bytes:
    builder = MemoryRecordsBuilder(magic, codec, 1 << 24, offset=start)
    for record in records:
        builder.append(*record)
    builder.close()
    return bytes(builder.buffer())


def stock(data: bytes) -> list[tuple[int, int, bytes | None]]:
    return [(one.offset, one.timestamp, one.value) for one in MemoryRecords(data).next_batch()]


@settings(max_examples=150)
@given(
    st.lists(RECORD, min_size=1, max_size=30), st.sampled_from(list(CODECS.values())), st.integers(0, 1 << 30)
)
def test_the_rows_are_what_the_client_finds(records, codec, start):
    data = batch(records, codec=codec, start=start)
    assert rows_of(MemoryRecords(data).next_batch()) == stock(data)


def test_offsets_and_times_of_every_size():
    records = [(1_700_000_000_000 + 37**n, b"k", b"v" * n, []) for n in range(7)] * 12_000
    data = batch(records)
    assert rows_of(MemoryRecords(data).next_batch()) == stock(data)


def test_the_broker_s_own_time():
    data = bytearray(batch([(1000, None, b"a", []), (5000, None, b"b", [])]))
    data[22] |= 0x08  # the low byte of the attributes: log append time
    assert [time for _, time, _ in rows_of(MemoryRecords(bytes(data)).next_batch())] == [5000, 5000]


@pytest.mark.parametrize("cut", [1, 2, 10, 25])
def test_a_batch_that_is_cut_short_is_an_error(cut):
    data = bytearray(batch([(1000, b"key", b"value", [("h", b"x")])] * 3))
    short = data[:-cut]
    short[8:12] = (len(short) - 12).to_bytes(4, "big")  # the length says so as well
    for unpack in (rows_of, list):
        with pytest.raises(CorruptRecordError):
            unpack(MemoryRecords(bytes(short)).next_batch())


def test_bytes_that_no_record_claims_are_an_error():
    data = bytearray(batch([(1000, b"key", b"value", [])]) + b"\x00\x00")
    data[8:12] = (len(data) - 12).to_bytes(4, "big")
    with pytest.raises(CorruptRecordError, match="2 unconsumed bytes"):
        rows_of(MemoryRecords(bytes(data)).next_batch())


@settings(max_examples=300)
@given(st.lists(RECORD, min_size=1, max_size=4), st.data())
def test_whatever_is_changed_in_a_batch_it_ends(records, data):
    changed = bytearray(batch(records))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(61, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = rows_of(MemoryRecords(bytes(changed)).next_batch())
    except CorruptRecordError:
        return
    assert len(rows) == len(records)


def test_a_codec_nobody_knows_is_an_error():
    data = bytearray(batch([(1000, None, b"a", [])]))
    data[22] |= 0x05
    with pytest.raises(UnsupportedCodecError):
        rows_of(MemoryRecords(bytes(data)).next_batch())


def quick(data: bytes, *, at: int = 0, check: bool = True) -> QuickRecords:
    return QuickRecords(at, PARTITION, MemoryRecords(data), check_crcs=check)


def test_some_are_taken_and_the_position_stands_behind_them():
    data = batch([(1000 + n, None, b"%d" % n, []) for n in range(10)], start=5)
    records = quick(data + batch([(2000, None, b"last", [])], start=20), at=7)
    assert [row[0] for row in records.take(3)] == [7, 8, 9]
    assert records.next_fetch_offset == 10
    assert [row[0] for row in records.take(None)] == [10, 11, 12, 13, 14, 20]
    assert records.next_fetch_offset == 21
    assert not records


def test_a_checksum_that_is_wrong_is_an_error_where_it_is_asked_for():
    data = bytearray(batch([(1000, None, b"value", [])]))
    data[-3] ^= 1
    with pytest.raises(CorruptRecordError, match="failed crc check"):
        quick(bytes(data)).take(None)
    assert len(quick(bytes(data), check=False).take(None)) == 1


@pytest.mark.parametrize("magic", [0, 1])
def test_formats_of_before_are_read_too(magic):
    data = batch([(1000, b"k", b"v", []), (1001, b"k", None, [])], magic=magic)
    times = [1000, 1001] if magic else [None, None]
    assert quick(data).take(None) == [(0, times[0], b"v"), (1, times[1], None)]


class Consumer:
    """What `quicken` looks at."""

    def __init__(self) -> None:
        self._fetcher = Fetcher.__new__(Fetcher)


def test_only_a_client_that_is_known_is_changed(monkeypatch):
    consumer = Consumer()
    assert quicken(consumer)
    assert consumer._fetcher.PartitionRecords is QuickRecords
    assert Fetcher.PartitionRecords is not QuickRecords
    other = Consumer()
    monkeypatch.setattr(kafka, "__version__", "3.1.0")
    assert not quicken(other)
    assert other._fetcher.PartitionRecords is Fetcher.PartitionRecords
    monkeypatch.undo()
    monkeypatch.delattr(Fetcher.PartitionRecords, "_is_batch_aborted")
    assert not quicken(other)
    assert not quicken(object())
