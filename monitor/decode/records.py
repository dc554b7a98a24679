"""Payload bytes to one text per record, in record order, whatever the layout. Every format starts here."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from monitor.decode.reasons import BLANK, NOT_UTF8, reject
from monitor.frames import OFFSET, RAW, Lines, RecordBatch, Table, Values, newlines
from monitor.model import Reject
from monitor.telemetry import UTF8_REPLACED

BROKER = "__broker"
"""Int64, when the broker stored the record, microseconds UTC; only there where the batch has broker times."""

_COMPRESSED = frozenset((b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"(\xb5"))
"""First bytes of gzip, zlib (RFC 1950) and zstd: polars would decompress a record that begins like this."""

_BOM = "\ufeff"
_WHITE = " \t\r\n" + _BOM


@dataclass(frozen=True, slots=True)
class Records:
    """Records as text.

    Attributes:
        partition: as in the record batch.
        frame: OFFSET Int64, RAW String, BROKER Int64 if there is one; one row per record left.
        rejects: the ones that are gone.
        facts: see `EventBatch.facts`.
        blob: bytes whose lines are exactly the rows of `frame`; None where that is not known to be so.
    """

    partition: str
    frame: pl.DataFrame
    rejects: tuple[Reject, ...] = ()
    facts: tuple[tuple[str, int], ...] = ()
    blob: bytes | None = None

    @property
    def text(self) -> pl.Series:
        """The RAW column."""
        return self.frame[RAW]

    def without(self, reasons: pl.Series) -> Records:
        """The rows whose reason (String, null where fine) is null; the others become rejects."""
        bad = reasons.is_not_null()
        if not bad.any():
            return self
        gone = self.frame.filter(bad).select(OFFSET, RAW).with_columns(reasons.filter(bad).alias("reason"))
        rejects = [reject(self.partition, *row) for row in gone.select(OFFSET, "reason", RAW).iter_rows()]
        ordered = sorted((*self.rejects, *rejects), key=lambda refused: refused.offset)
        return Records(self.partition, self.frame.filter(~bad), tuple(ordered), self.facts)


def blank(text: pl.Expr) -> pl.Expr:
    """True where a record holds nothing but white space."""
    return text.str.strip_chars(_WHITE) == ""


def without_blank(records: Records) -> Records:
    """Blank records out, as rejects with reason `blank`."""
    empty = records.frame.select(pl.when(blank(pl.col(RAW))).then(pl.lit(BLANK)).alias("reason"))
    return records.without(empty["reason"])


def records(batch: RecordBatch, *, replace: bool) -> Records:
    """The text of each record of a batch of lines or values.

    Args:
        batch: its payload is Lines or Values.
        replace: read bytes that are not UTF-8 with U+FFFD in their place; else such a record is a reject.

    Raises:
        ValueError: the payload is a table, or offsets and records differ in number (a defect of the source).
    """
    match batch.payload:
        case Lines(data):
            text, undecoded, blob = _lines(data, replace=replace)
        case Values(items):
            text, undecoded, blob = _values(items, replace=replace)
        case Table():
            raise ValueError("a table has columns, not text: decode it as format table")
    offsets = pl.Series(OFFSET, batch.offsets, dtype=pl.Int64)
    if offsets.len() != text.len():
        raise ValueError(f"{batch.partition}: {offsets.len()} offsets for {text.len()} records")
    frame = pl.DataFrame([offsets, text.alias(RAW)])
    if batch.broker_times is not None:
        frame = frame.with_columns(pl.Series(BROKER, batch.broker_times, dtype=pl.Int64))
    if replace:
        facts = ((UTF8_REPLACED, len(undecoded)),) if undecoded else ()
        return Records(batch.partition, frame, batch.rejects, facts, blob)
    return _reject_undecoded(Records(batch.partition, frame, batch.rejects, (), blob), undecoded)


def _reject_undecoded(found: Records, undecoded: dict[int, bytes]) -> Records:
    if not undecoded:
        return found
    offsets = found.frame[OFFSET]
    rejects = tuple(reject(found.partition, offsets[row], NOT_UTF8, data) for row, data in undecoded.items())
    kept = found.frame.filter(found.text.is_not_null())
    return Records(found.partition, kept, found.rejects + rejects)


def _lines(data: bytes, *, replace: bool) -> tuple[pl.Series, dict[int, bytes], bytes | None]:
    if data[:2] not in _COMPRESSED:
        try:
            # In one piece: a regex warms up anew in each.
            return pl.read_lines(io.BytesIO(data)).to_series().rechunk(), {}, data
        except pl.exceptions.ComputeError:
            pass  # some line is not UTF-8
    items = data.split(b"\n")
    if not items[-1]:
        items.pop()
    text, undecoded = _decoded(items, replace=replace)
    return text, undecoded, None


def _values(items: Sequence[bytes], *, replace: bool) -> tuple[pl.Series, dict[int, bytes], bytes | None]:
    """Values without newlines are lines, which are read at once; others one by one."""
    blob = b"\n".join((*items, b""))
    if newlines(blob) == len(items):
        return _lines(blob, replace=replace)
    text, undecoded = _decoded(items, replace=replace)
    return text, undecoded, None


def _decoded(items: Sequence[bytes], *, replace: bool) -> tuple[pl.Series, dict[int, bytes]]:
    """One String per item, and the items that were not UTF-8 by row; they are null unless `replace`."""
    undecoded: dict[int, bytes] = {}
    texts: list[str | None] = []
    for row, ended in enumerate(items):
        item = ended.removesuffix(b"\r")
        try:
            texts.append(item.decode())
        except UnicodeDecodeError:
            undecoded[row] = item
            texts.append(item.decode(errors="replace") if replace else None)
    return pl.Series(texts, dtype=pl.String), undecoded
