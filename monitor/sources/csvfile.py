"""CSV (RFC 4180) as tables of strings. The first record names the columns; an empty cell is a missing field.

Offsets are line numbers: a row that spans lines has that of its first. The separator is the one of `,`, `;`,
tab and `|` that occurs most in the header.
"""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from monitor.decode.reasons import BAD_ROW, BLANK, reject
from monitor.frames import Lines, Table
from monitor.model import Reject
from monitor.sources.chunks import Chunk, LineReader
from monitor.telemetry import UTF8_REPLACED

MAX_ROW_LINES = 1000
"""A quote still open after so many lines never closes: its line is a bad row, the next ones are read."""

_SEPARATORS = ",;\t|"

# The module's own limit of 128 KiB for a cell; how long a record may be is the reader's business.
csv.field_size_limit(sys.maxsize)


@dataclass
class _Rows:
    """What one stretch of lines gave."""

    offsets: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class CsvReader:
    """Reads rows out of a line reader's chunks."""

    def __init__(self, lines: LineReader, partition: str) -> None:
        self._lines = lines
        self._partition = partition
        self._columns: list[str] = []
        self._separator = ","
        self._waiting: list[str] = []
        self._replaced = 0

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """All chunks from a line on; the header is read in any case.

        Bytes that are not UTF-8 are read with U+FFFD in their place, so that the row is searched.
        """
        line = 0
        for chunk in self._lines.chunks():
            if isinstance(chunk.payload, Lines):
                yield from self._rows(self._texts(chunk.payload.data, line), chunk, position)
            line = chunk.next_position
        if self._waiting:
            yield from self._finish(line, position)

    def _rows(self, texts: list[str], chunk: Chunk, position: int) -> Iterator[Chunk]:
        """Rows that end in this chunk; lines of one that does not wait for the next."""
        gone = min((refused.offset for refused in chunk.rejects), default=None)
        if self._waiting and gone is not None:
            # A line in between is gone: what waits for its closing quote ends here.
            yield from self._finish(gone, position)
        lines = [*self._waiting, *texts]
        yield from self._table(lines, chunk.next_position - len(lines), position, chunk.rejects, last=False)

    def _finish(self, end: int, position: int) -> Iterator[Chunk]:
        lines = self._waiting
        yield from self._table(lines, end - len(lines), position, (), last=True)

    def _table(
        self, lines: list[str], first: int, position: int, rejects: Sequence[Reject], *, last: bool
    ) -> Iterator[Chunk]:
        rows = _Rows(rejects=[refused for refused in rejects if refused.offset >= position])
        taken = self._take(lines, first, rows, last=last)
        self._waiting = lines[taken:]
        start = next((i for i, offset in enumerate(rows.offsets) if offset >= position), len(rows.offsets))
        rows.rejects = [refused for refused in rows.rejects if refused.offset >= position]
        offsets, cells = rows.offsets[start:], rows.cells[start:]
        if offsets or rows.rejects:
            facts = ((UTF8_REPLACED, self._replaced),) if self._replaced else ()
            self._replaced = 0
            yield Chunk(tuple(offsets), first + taken, Table(self._frame(cells)), tuple(rows.rejects), facts)

    def _take(self, lines: list[str], first: int, rows: _Rows, *, last: bool) -> int:
        """Read rows into `rows`; the number of lines done with."""
        row = 0
        while row < len(lines):
            run = self._run(lines, row)
            rows.offsets += range(first + row, first + row + len(run))
            rows.cells += run
            row += len(run)
            size = _span(lines, row)
            if size == 0 and not last and len(lines) - row < MAX_ROW_LINES:
                break
            row += self._record(lines[row : row + max(size, 1)], first + row, rows)
        return row

    def _run(self, lines: list[str], row: int) -> list[list[str]]:
        """Cells of the lines from one on that are whole records, up to the first that is not."""
        run: list[list[str]] = []
        if not self._columns:
            return run
        # The reader asks for a line with the record before it unfinished: that one is more than a line.
        fed = itertools.takewhile(lambda number: number - row == len(run), range(row, len(lines)))
        try:
            for cells in csv.reader(map(lines.__getitem__, fed), delimiter=self._separator, strict=True):
                if len(cells) != len(self._columns):
                    break
                run.append(cells)
        except csv.Error:
            pass  # the line after the run is to be looked at by itself
        return run

    def _record(self, lines: list[str], offset: int, rows: _Rows) -> int:
        """Read one record that is not a line by itself, or none; the number of lines it took."""
        if not lines:
            return 0
        if not lines[0].strip():
            rows.rejects.append(reject(self._partition, offset, BLANK, lines[0]))
            return 1
        if not self._columns:
            self._separator = max(_SEPARATORS, key=lines[0].count)
        cells = self._cells(lines)
        if cells is None:
            rows.rejects.append(reject(self._partition, offset, BAD_ROW, lines[0]))
            return 1
        if self._columns:
            rows.offsets.append(offset)
            rows.cells.append(cells)
        else:
            self._columns = _names(cells)
        return len(lines)

    def _cells(self, lines: Sequence[str]) -> list[str] | None:
        """The cells of one record; None if it is none, or has more or fewer than the header."""
        try:
            records = list(csv.reader(["\n".join(lines)], delimiter=self._separator, strict=True))
        except csv.Error:
            return None
        width = len(self._columns)
        return records[0] if len(records) == 1 and (not width or len(records[0]) == width) else None

    def _texts(self, data: bytes, line: int) -> list[str]:
        """Lines of text; the file's first one without its byte order mark."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode(errors="replace")
            self._replaced += sum("\ufffd" in each for each in text.split("\n"))
        text = text.removeprefix("\ufeff" if line == 0 else "")
        return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []

    def _frame(self, cells: list[list[str]]) -> pl.DataFrame:
        columns = zip(*cells, strict=True) if cells else ((),) * len(self._columns)
        named = zip(self._columns, columns, strict=True)
        frame = pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in named])
        return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _span(lines: Sequence[str], row: int) -> int:
    """Lines of the record that begins here: up to the one where its quotes are even; 0 if none is (yet)."""
    quotes = 0
    for size, line in enumerate(lines[row : row + MAX_ROW_LINES], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return 0


def _names(cells: Sequence[str]) -> list[str]:
    """Column names, each once: the second `id` is `id_2`, one without a name is `column_3`."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = wanted = cell.strip() or f"column_{number}"
        copy = 1
        while name in names:
            copy += 1
            name = f"{wanted}_{copy}"
        names.append(name)
    return names
