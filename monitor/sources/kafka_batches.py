"""Record batches of Kafka, each unpacked in one loop: twice as fast as kafka-python does it record by record.

kafka-python makes several objects of every record. Here a batch of the second format (KIP-98, the only one
since Kafka 0.11) becomes tuples of offset, time and value, which is all that is read of a record here.
Everything around that is the client's own: fetching, positions, checksums, decompression, which batches are
marks of a transaction or were taken back. With a version of the client that is not known, or one that does
not look as it did, nothing is changed; batches of an older format are read the client's own way.

Format: https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import kafka
from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.default_records import DefaultRecordBatch

Row = tuple[int, int, bytes | None]
"""Offset, milliseconds since the epoch, value."""

_KNOWN: Final = "3.0."
"""The client's versions that this was written for."""
_RECORDS: Final = (
    "_unpack_records",
    "_maybe_skip_record",
    "_consume_aborted_transactions_up_to",
    "_contains_abort_marker",
    "_is_batch_aborted",
    "take",
    "drain",
)
_BATCH: Final = ("_maybe_uncompress", "_buffer", "_pos", "records_count", "validate_crc", "next_offset")


def quicken(consumer: KafkaConsumer) -> bool:
    """Have this consumer's `poll` give rows in place of the client's records; returns whether it does."""
    fetcher: Any = getattr(consumer, "_fetcher", None)
    known = (
        kafka.__version__.startswith(_KNOWN)
        and isinstance(fetcher, Fetcher)
        and getattr(fetcher, "PartitionRecords", None) is Fetcher.PartitionRecords
        and all(hasattr(Fetcher.PartitionRecords, part) for part in _RECORDS)
        and all(hasattr(DefaultRecordBatch, part) for part in _BATCH)
    )
    if known:
        fetcher.PartitionRecords = QuickRecords
    return known


class QuickRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client ships no types
    """The records of one partition in one answer of a broker."""

    def _maybe_skip_record(self, record: Row) -> bool:
        """Whether it lies before what was asked for, as the first of a compressed batch may."""
        return record[0] < int(self.fetch_offset)

    def _unpack_records(self, _: object, records: Any, *__: object) -> Iterator[Row]:  # noqa: ANN401 - theirs
        """The rows; `next_fetch_offset` stands behind the last one given, or behind the last batch."""
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(
                    f"Record batch for partition {self.topic_partition} at offset {batch.base_offset} failed"
                    " crc check"
                )
            if batch.magic != 2:
                yield from self._older(batch)
                continue
            if self._wanted(batch):
                for row in rows_of(batch):
                    self.next_fetch_offset = row[0] + 1
                    yield row
                self.bytes_read += batch.size_in_bytes
            # Behind records that compaction took out of its end, too.
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _wanted(self, batch: Any) -> bool:  # noqa: ANN401 - the client's
        """Whether it holds records that were said, and no mark of a transaction; keeps count of those."""
        self.leader_epoch = batch.leader_epoch
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
            elif self._is_batch_aborted(batch):
                return False
        return not batch.is_control_batch

    def _older(self, batch: Any) -> Iterator[Row]:  # noqa: ANN401 - the client's
        """Records of a format before the second, the client's own way."""
        for record in batch:
            if self.check_crcs and not record.validate_crc():
                raise CorruptRecordError(
                    f"Record for partition {self.topic_partition} at offset {record.offset} failed crc check"
                )
            self.next_fetch_offset = record.offset + 1
            self.bytes_read += record.size_in_bytes
            yield record.offset, record.timestamp, record.value


def rows_of(batch: Any) -> list[Row]:  # noqa: ANN401 - the client's
    """The records of a batch of the second format.

    Raises:
        CorruptRecordError: they are not what the batch says.
        UnsupportedCodecError: they are compressed in a way that is not installed.
    """
    batch._maybe_uncompress()  # noqa: SLF001 - see `quicken`
    data, pos = bytes(batch._buffer), batch._pos  # noqa: SLF001 - see `quicken`
    try:
        rows, pos = _rows(data, pos, batch)
    except IndexError as error:
        raise CorruptRecordError(f"Found invalid record structure: {error!r}") from None
    if pos != len(data):
        raise CorruptRecordError(f"{len(data) - pos} unconsumed bytes after all records consumed")
    return rows


def _rows(  # noqa: PLR0912 - unrolled: a call for each number would cost what is won here
    data: bytes,
    pos: int,
    batch: Any,  # noqa: ANN401 - the client's
) -> tuple[list[Row], int]:
    """One loop; numbers of one and two bytes, which most are, without a call."""
    base, first = batch.base_offset, batch.first_timestamp
    appended = batch.max_timestamp if batch.timestamp_type == 1 else None
    rows: list[Row] = []
    take = rows.append
    whole = len(data)
    for _ in range(batch.records_count):
        # Its length, then a byte of attributes that are unused.
        if (low := data[pos]) < 0x80:
            end = pos + 1 + (low >> 1)
            pos += 2
        elif (high := data[pos + 1]) < 0x80:
            end = pos + 2 + ((low & 0x7F | high << 7) >> 1)
            pos += 3
        else:
            length, pos = _varint(data, pos)
            end = pos + length
            pos += 1
        if (low := data[pos]) < 0x80:
            delta = low >> 1 ^ -(low & 1)
            pos += 1
        else:
            delta, pos = _varint(data, pos)
        if (low := data[pos]) < 0x80:
            offset = low >> 1
            pos += 1
        elif (high := data[pos + 1]) < 0x80:
            offset = (low & 0x7F | high << 7) >> 1
            pos += 2
        else:
            offset, pos = _varint(data, pos)
        # A key that is null is one byte of 1.
        if (low := data[pos]) == 1:
            pos += 1
        else:
            size, pos = _varint(data, pos)
            pos += size
        if (low := data[pos]) >= 0x80 and (high := data[pos + 1]) < 0x80:
            size = (low & 0x7F | high << 7) >> 1
            pos += 2
        else:
            size, pos = _varint(data, pos)
        after = pos + size if size > 0 else pos
        # What remains are headers: one byte that says none, or what the length spans.
        if not after < end <= whole:
            raise CorruptRecordError("Invalid record size: its length does not hold its key and value")
        time = first + delta if appended is None else appended
        take((base + offset, time, None if size < 0 else data[pos:after]))
        pos = end
    return rows, pos


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    """A number in zigzag encoding, and the position behind it."""
    number = data[pos]
    pos += 1
    if number > 0x7F:
        number &= 0x7F
        shift = 7
        while (byte := data[pos]) > 0x7F:
            number |= (byte & 0x7F) << shift
            shift += 7
            pos += 1
        number |= byte << shift
        pos += 1
    return number >> 1 ^ -(number & 1), pos
