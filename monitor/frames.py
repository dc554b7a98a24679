"""The frames between bytes and violations: column names, dtypes, and the batch that carries them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import polars as pl
import pyarrow as pa

from monitor.model import Logsource, Reject

ROW = "__row"
"""UInt32, index of the event in its batch."""
OFFSET = "__offset"
"""Int64, offset of the record in its partition."""
TIME = "__time"
"""Int64, event time in microseconds UTC; null where the record has none."""
PARTITION = "__partition"
"""String, the partition of the record."""
RAW = "__raw"
"""String, the record's text."""
LINE = "__line"
"""String, the same record as one line that a JSON reader takes; only there where some of them differ."""
SEARCHED = "__searched"
"""Boolean, whether rules that look through whole records could match the event; only there among suspects."""

PATH = "path"
KEY = "key"
TEXT = "text"
NESTED = "nested"
"""Boolean, whether a cell's text may be JSON, with leaves of its own."""

LEAVES: dict[str, pl.DataType] = {ROW: pl.UInt32(), PATH: pl.String(), KEY: pl.String(), TEXT: pl.String()}
"""One row per scalar of an event: its path with array indices left out (`items.owner.mail`), the last key of
the path in lower case, and the value's text (null for a JSON null). A key that could itself be personal data
is a leaf too: its path ends in `{key}`, its KEY is empty and its text is the key."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Newline-separated records as one block of bytes, whole lines only; the last newline may be absent."""

    data: bytes


def newlines(data: bytes) -> int:
    """How many newlines the bytes hold, in a seventh of the time of `bytes.count`."""
    octets = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    return int((pl.Series(octets) == ord("\n")).sum())


@dataclass(frozen=True, slots=True)
class Values:
    """Records that may hold newlines themselves, one bytes object each."""

    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Records that were columns already (Parquet, CSV): one row each.

    Attributes:
        frame: the columns.
        texts: by column, distinct texts (String); `frame` then holds the place of each row's text in them
            (UInt32, null for none). Of columns out of structs, that are named by their paths.
    """

    frame: pl.DataFrame
    texts: Mapping[str, pl.Series] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one partition, as read.

    Attributes:
        partition: `topic-3` or a file's name; with an offset it names a record for good.
        offsets: offset of each record. A file's offset is its line number from 0, blank lines counted.
        next_position: offset of the record after the last one, where reading goes on.
        payload: the bytes, in one of three layouts.
        logsource: what the source's configuration or the format says of these records.
        broker_times: when the broker stored each record, microseconds UTC; None where there is no broker.
        format: one of `monitor.decode.FORMATS` where the source knows it (a file's content says), else empty.
        rejects: records the source itself refused (longer than it holds, in a damaged archive).
        facts: (fact of `monitor.telemetry`, count) of what the source left out: tombstones, lost records.
        generation: of the claim the partition was read under (`monitor.model.Claim`); 0 where nobody claims.
    """

    partition: str
    offsets: range | tuple[int, ...]
    next_position: int
    payload: Lines | Values | Table
    logsource: Logsource = field(default_factory=Logsource)
    broker_times: tuple[int, ...] | None = None
    format: str = ""
    rejects: tuple[Reject, ...] = ()
    facts: tuple[tuple[str, int], ...] = ()
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Projection:
    """What the rule set needs of each event; the decoder reads nothing else unless asked for leaves.

    Attributes:
        fields: dotted paths wanted as String columns.
        first: those of them that the engine asks of every event. A decoder that reads field by field may
            leave the others out until it is asked for them (`EventBatch.narrowed`); None: all at once.
        leading: fields of which only the first value counts, so that a list of texts is no more than that.
        aliases: other event paths that may hold a wanted field, tried in order after its own name.
        time_fields: paths that may hold the event time, first parseable one wins; empty means the usual.
        keys: keys wanted at any depth, in lower case; found in the leaves.
        everything: haystack and leaves must be complete (a rule searches the whole record). Records that are
            text always are; of a table, columns nobody wants are read only then.
    """

    fields: tuple[str, ...] = ()
    first: tuple[str, ...] | None = None
    leading: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    time_fields: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    everything: bool = False


class Cells(Protocol):
    """Everything the rows of a table say."""

    def search(self, wanted: pl.Expr, *, nested: bool = False) -> pl.DataFrame:
        """LEAVES and NESTED of the cells, or of the nested ones, whose TEXT satisfies `wanted` (Boolean)."""
        ...

    def under(self, keys: Collection[str]) -> pl.DataFrame:
        """LEAVES and NESTED (null) of the cells with one of these last names, in lower case."""
        ...

    def at(self, wanted: pl.Expr) -> pl.Series:
        """ROW (UInt32) of the cells with a value for whose PATH `wanted` (Boolean) holds."""
        ...

    def of(self, name: str, wanted: pl.Expr) -> pl.DataFrame:
        """ROW, PATH and TEXT of a projected field, aliases included, where its TEXT satisfies `wanted`."""
        ...

    def tested(self, tests: Sequence[tuple[str, str, pl.Expr]]) -> pl.DataFrame:
        """A Boolean column, one value per row, for each (projected field, name, test of its TEXT)."""
        ...


@dataclass(frozen=True)
class EventBatch:
    """Decoded events of one record batch.

    Attributes:
        partition: as in the record batch.
        logsource: for routing.
        frame: one row per event in record order: ROW, OFFSET, TIME, then one String column per projected
            field (null where missing), then RAW. A column holds a value only where the record has exactly
            one scalar at that path.
        irregular: Boolean column of the same height: true where some projected field of that row cannot be
            one String cell (array, object, JSON inside a string, parent of another type). The engine
            evaluates those rows over their leaves instead of the columns.
        haystack: columns of `frame` whose text together holds everything the event says; for JSON that is
            the raw record with its escapes.
        cells: of a table that is searched as a whole: its cells. None where `haystack` says everything.
        detail: reads the fields that `frame` lacks, of the events in a part of it: their columns and whether
            they are irregular. None where `frame` has every projected field.
        read_leaves: gives the LEAVES frame of the events in a part of `frame`, every scalar of each of them.
        json: whether RAW is one JSON value in every event.
        rejects: records that became no event, those of the source included.
        facts: (fact, count) of what was done to records that did become events, see `monitor.telemetry`; the
            source's facts stay with its batch.
    """

    partition: str
    logsource: Logsource
    frame: pl.DataFrame
    irregular: pl.Series
    haystack: tuple[str, ...]
    read_leaves: Callable[[pl.DataFrame], pl.DataFrame]
    json: bool = False
    cells: Cells | None = None
    rejects: tuple[Reject, ...] = ()
    facts: tuple[tuple[str, int], ...] = ()
    detail: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.Series]] | None = None

    def leaves(self, rows: pl.Series) -> pl.DataFrame:
        """The LEAVES frame of some rows (ROW, UInt32)."""
        return self.read_leaves(self._only(rows))

    def suspects(self, rows: pl.Series, searched: pl.Series) -> EventBatch:
        """The events of some rows (ROW, UInt32), of which nothing is read yet but where and when they are.

        Only of a batch that reads fields when asked (`detail`). `searched` are the rows of SEARCHED.
        """
        frame = self._only(rows)
        unread = frame.select(
            *(name for name in (ROW, OFFSET, TIME, RAW, LINE) if name in frame.columns),
            pl.col(ROW).is_in(searched.implode()).alias(SEARCHED),
        )
        return replace(self, frame=unread, irregular=_none_irregular(unread.height), rejects=(), facts=())

    def _only(self, rows: pl.Series) -> pl.DataFrame:
        return self.frame.filter(self.frame[ROW].is_in(rows.implode()))

    def narrowed(self, rows: pl.Series) -> EventBatch:
        """The events of some rows (ROW, UInt32) with every projected field."""
        wanted = self.frame[ROW].is_in(rows.implode())
        frame = self.frame.filter(wanted)
        if self.detail is None:
            return replace(self, frame=frame, irregular=self.irregular.filter(wanted))
        columns, irregular = self.detail(frame)
        return replace(self, frame=frame.with_columns(columns), irregular=irregular, detail=None)


def joined(batches: Sequence[EventBatch]) -> EventBatch:
    """Suspects of several batches of one partition and decoder as one, their ROW counted anew."""
    first, *others = batches
    if not others:
        return first
    frame = pl.concat([batch.frame.drop(ROW) for batch in batches], how="diagonal", rechunk=True)
    if LINE in frame.columns:
        frame = frame.with_columns(pl.col(LINE).fill_null(pl.col(RAW)))
    frame = frame.with_row_index(ROW)
    return replace(first, frame=frame, irregular=_none_irregular(frame.height))


def _none_irregular(height: int) -> pl.Series:
    return pl.repeat(value=False, n=height, dtype=pl.Boolean, eager=True)
