"""Reads the tables beside rules: CSV, Parquet or YAML in folders called `lookups`. Strict, as rules are read.

What is wrong in a table keeps the rules from loading, as a mistake in a rule does: a rule that asks a table
which was read by half would be wrong in silence.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.rules.diagnostics import SUFFIXES, Problems
from monitor.rules.document import ListNode, MapNode, Node, Scalar, read
from monitor.rules.reader import Reader
from monitor.rules.tables import VALID_FROM, VALID_UNTIL, Table
from monitor.rules.tree import Span

FOLDER = "lookups"
"""Name of the folders that hold tables and no rules."""

TABLE_SUFFIXES = frozenset({".csv", ".parquet"}) | SUFFIXES

MAX_TABLE_BYTES = 64 << 20
"""Largest table, in bytes; of YAML it is that of a rule file."""
MAX_ROWS = 1_000_000

AWAITED = "awaited"
"""The one key of a YAML table that stands for one somebody has yet to give."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO = dt.timedelta(microseconds=1)


@dataclass
class _Rows:
    """A table while it is read. `places[i]` is where row i stands."""

    columns: list[str]
    cells: list[list[str | None]] = field(default_factory=list)
    places: list[Span] = field(default_factory=list)


class _Refused(Exception):  # noqa: N818 - never leaves this module, so it is no one's error
    """Reading this table stops here."""

    def __init__(self, span: Span, message: str, cure: str) -> None:
        super().__init__(message)
        self.span, self.message, self.cure = span, message, cure


def tables_below(paths: Sequence[Path], problems: Problems) -> tuple[dict[str, Table], set[str]]:
    """The tables of all paths by name; where two paths have one of the same name, the later path's counts.

    Returns:
        The tables that could be read, and the names of all of them, so that a mistake in one is told once.
    """
    found: dict[str, Path] = {}
    for path in paths:
        own: dict[str, Path] = {}
        for file in table_files(path):
            first = own.setdefault(file.stem, file)
            if first is not file:
                message = f"There is a table '{file.stem}' in {first} already."
                problems.add("table-duplicate", Span(str(file), 1, 1), message, "Keep one of the two files.")
        found |= own
    read_ones = ((name, read_table(file, problems)) for name, file in sorted(found.items()))
    return {name: table for name, table in read_ones if table is not None}, set(found)


def table_files(path: Path) -> list[Path]:
    """Every table below a folder, or in the folder `lookups` beside a file; one reached by two names once."""
    folders = [path, *path.rglob(FOLDER)] if path.is_dir() else [path.parent / FOLDER]
    inside = (file for folder in folders if folder.name == FOLDER for file in folder.rglob("*"))
    files = (file for file in inside if file.suffix in TABLE_SUFFIXES and file.is_file())
    return sorted({file.resolve(): file for file in sorted(files, reverse=True)}.values())


def read_table(file: Path, problems: Problems) -> Table | None:
    """One table; None where something is wrong with it, which is then reported."""
    try:
        return _read(file, problems)
    except _Refused as refused:
        _tell(problems, refused.span, refused.message, refused.cure)
        return None


def _read(file: Path, problems: Problems) -> Table | None:
    place = Span(str(file), 1, 1)
    if not _NAME.fullmatch(file.stem):
        cure = "Call it by letters, digits, _ and -, such as open_tickets.csv."
        raise _Refused(place, f"Rules cannot name a table '{file.stem}'.", cure)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        message = f"The table cannot be read: {error.strerror}."
        raise _Refused(place, message, "Check the path and its permissions.") from None
    if len(data) > MAX_TABLE_BYTES:
        message = f"The table has more than {MAX_TABLE_BYTES:,} bytes, the most one may have."
        raise _Refused(place, message, "Leave out rows and columns that no rule asks for.")
    digest = hashlib.sha256(file.suffix.encode() + data).hexdigest()
    if file.suffix in SUFFIXES:
        nodes = read(str(file), data, problems)
        if nodes and len(nodes) > 1:
            message = f"The file holds {len(nodes)} YAML documents; a table is one."
            raise _Refused(nodes[1].span, message, "Write all rows into one list.")
        return None if not nodes else _of_yaml(file.stem, nodes[0], problems, digest)
    rows = _csv(place, data) if file.suffix == ".csv" else _parquet(place, data)
    return _table(file.stem, digest, rows, place, problems)


def table_of(name: str, node: Node, problems: Problems, digest: str) -> Table | None:
    """A table out of YAML: a list of texts or of maps, or the map `awaited: true`; None where it is none."""
    try:
        return _of_yaml(name, node, problems, digest)
    except _Refused as refused:
        _tell(problems, refused.span, refused.message, refused.cure)
        return None


def _of_yaml(name: str, node: Node, problems: Problems, digest: str) -> Table | None:
    if isinstance(node, MapNode):
        body = Reader(node, f"the table '{name}'", problems)
        body.check_keys({AWAITED})
        if body.flag(AWAITED):
            return Table(name, digest, awaited=True)
        cure = "Write a list, or `awaited: true` where the table is still to come."
        raise _Refused(node.span, f"'{name}' is no table.", cure)
    if not isinstance(node, ListNode):
        raise _Refused(node.span, f"'{name}' is no list.", "Write a list of texts or of maps.")
    return _table(name, digest, _yaml(node), node.span, problems)


def _tell(problems: Problems, span: Span, message: str, cure: str) -> None:
    # A table may hold people's numbers: none of its lines is shown.
    problems.add("table-invalid", span, message, cure, show=False)


# --- three formats ---------------------------------------------------------------------------------------


def _yaml(node: ListNode) -> _Rows:
    maps = [item for item in node.items if isinstance(item, MapNode)]
    columns = list(dict.fromkeys(key.text for row in maps for key, _ in row.pairs)) or ["key"]
    rows = _Rows(columns)
    for item in node.items:
        if bool(maps) != isinstance(item, MapNode):
            cure = "Write every row as a text, or every row as a map."
            raise _Refused(item.span, "A row is unlike the others.", cure)
        given = {key.text: value for key, value in item.pairs} if isinstance(item, MapNode) else {"key": item}
        cells = [_cell(given.get(name)) for name in columns]
        rows.cells.append(cells)
        rows.places.append(item.span)
    return rows


def _cell(node: Node | None) -> str | None:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None
    if isinstance(node, Scalar) and isinstance(node.value, str | int) and not isinstance(node.value, bool):
        return str(node.value)
    given = f"'{node.text}'" if isinstance(node, Scalar) else "A list or a map"
    raise _Refused(node.span, f"{given} is no text and no whole number.", "Quote it to make it text.")


def _csv(place: Span, data: bytes) -> _Rows:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"Byte {data[error.start]:#04x} is not UTF-8."
        raise _Refused(Span(place.file, line, 1), message, "Save the file as UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: _Rows | None = None
    before = 0
    try:
        for cells in reader:
            span, before = Span(place.file, before + 1, 1), reader.line_num
            if not cells:
                continue
            if rows is None:
                rows = _Rows(cells)
            elif len(cells) != len(rows.columns):
                message = f"The row has {len(cells)} cells, the first row names {len(rows.columns)} columns."
                raise _Refused(span, message, "Quote cells that hold commas; leave none out.")
            else:
                rows.cells.append([cell or None for cell in cells])
                rows.places.append(span)
    except csv.Error as error:
        cure = "Write it as RFC 4180 says: commas between cells, a quote within a quoted cell twice."
        raise _Refused(Span(place.file, before + 1, 1), f"This is not CSV: {error}.", cure) from None
    if rows is None:
        raise _Refused(place, "The file is empty.", "Name the columns in its first line.")
    return rows


_FEWER = "Leave out rows that are over."


def _too_many(rows: int) -> str:
    return f"The table has {rows:,} rows; {MAX_ROWS:,} are the most."


def _parquet(place: Span, data: bytes) -> _Rows:
    try:
        # polars panics over some damaged files.
        opened = pq.ParquetFile(io.BytesIO(data))
        if opened.metadata.num_rows > MAX_ROWS:  # a small file may hold very many that are alike
            raise _Refused(place, _too_many(opened.metadata.num_rows), _FEWER)
        table = opened.read()
        table.validate(full=True)
        # Column by column: what a file says of itself besides may be damaged as well.
        columns = {name: pl.Series(table.column(at)) for at, name in enumerate(table.column_names)}
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it cannot be read"
        raise _Refused(place, f"This is not Parquet: {reason}.", "Write the file again.") from None
    if len(columns) < table.num_columns:
        raise _Refused(place, "A column is there twice.", "Keep one of the two.")
    frame = pl.DataFrame(columns)
    texts = {}
    for name, dtype in frame.schema.items():
        column = _as_text(frame[name], dtype)
        if column is None:
            cure = "Make it text, whole numbers, dates or times, or leave the column out."
            raise _Refused(place, f"The column '{name}' is {dtype}.", cure)
        texts[name] = column
    return _Rows(
        list(texts), [list(row) for row in zip(*texts.values(), strict=True)], [place] * frame.height
    )


def _as_text(column: pl.Series, dtype: pl.DataType) -> Sequence[str | None] | None:
    if isinstance(dtype, pl.Datetime):
        zoned = column if dtype.time_zone else column.dt.replace_time_zone("UTC")
        return zoned.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_list()
    if dtype.is_integer() or isinstance(dtype, pl.String | pl.Date | pl.Categorical | pl.Enum | pl.Null):
        return column.cast(pl.String).to_list()
    return None


# --- from cells to a table -------------------------------------------------------------------------------


def _table(name: str, digest: str, rows: _Rows, place: Span, problems: Problems) -> Table | None:
    before = len(problems.items)
    _check_columns(rows.columns, place, problems)
    if len(rows.cells) > MAX_ROWS:
        _tell(problems, place, _too_many(len(rows.cells)), _FEWER)
    if len(problems.items) > before:
        return None
    asked = [column for column in rows.columns if column not in {VALID_FROM, VALID_UNTIL}]
    columns = {column: [row[rows.columns.index(column)] for row in rows.cells] for column in asked}
    begins = list(_bounds(rows, VALID_FROM, problems))
    ends = list(_bounds(rows, VALID_UNTIL, problems))
    for row, key, begin, end in zip(rows.places, columns[asked[0]], begins, ends, strict=True):
        if key is None:
            cure = "Write the value, or remove the row."
            _tell(problems, row, f"A row has nothing in its first column, '{asked[0]}'.", cure)
        if begin is not None and end is not None and end <= begin:
            cure = f"Correct {VALID_FROM} or {VALID_UNTIL}."
            _tell(problems, row, "A row ends before it begins.", cure)
    return None if len(problems.items) > before else Table(name, digest, columns, begins, ends)


def _check_columns(columns: Sequence[str], place: Span, problems: Problems) -> None:
    for number, name in enumerate(columns, 1):
        if not _NAME.fullmatch(name):
            cure = "Name columns by letters, digits, _ and -, in the first row."
            _tell(problems, place, f"Column {number} has no name that rules can say.", cure)
        elif columns.index(name) < number - 1:
            _tell(problems, place, f"The column '{name}' is there twice.", "Keep one of the two.")
    if not set(columns) - {VALID_FROM, VALID_UNTIL}:
        cure = "Add the column in which values are looked up."
        _tell(problems, place, "The table has no column but those of validity.", cure)


def _bounds(rows: _Rows, column: str, problems: Problems) -> Iterator[int | None]:
    """Microseconds UTC of a column of validity, None where there is none."""
    index = rows.columns.index(column) if column in rows.columns else None
    for number, cells in enumerate(rows.cells, 1):
        text = None if index is None else cells[index]
        try:
            yield None if text is None else instant_of(text.strip(), last=column == VALID_UNTIL)
        except ValueError:
            message = f"Row {number}: '{column}' is no date and no time."
            cure = "Write 2026-11-20, or 2026-11-20T09:30:00+01:00 (without a zone it is UTC)."
            _tell(problems, rows.places[number - 1], message, cure)
            yield None


def instant_of(text: str, *, last: bool) -> int | None:
    """Microseconds UTC since 1970 of a date or time (ISO 8601); None where there is no bound.

    Args:
        text: `2026-11-20` or `2026-11-20T09:30:00+01:00`; a time without a zone is UTC.
        last: of a date, the end of the day is meant. The last day there is, 9999-12-31, is no bound then.

    Raises:
        ValueError: it is neither.
    """
    if not _DAY.match(text):
        raise ValueError("a date begins with year, month and day")
    when = dt.datetime.fromisoformat(text)
    if _DAY.fullmatch(text) and last:
        if when.date() == dt.date.max:
            return None
        when += dt.timedelta(days=1)
    return ((when if when.tzinfo else when.replace(tzinfo=dt.UTC)) - _EPOCH) // _MICRO
