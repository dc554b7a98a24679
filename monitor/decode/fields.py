"""From a projection to the paths a decoder reads, and from the columns read to those of the event frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from monitor.decode.records import BROKER
from monitor.decode.times import micros, plausible
from monitor.frames import OFFSET, ROW, TIME, Projection

USUAL_TIME_FIELDS = (
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "event.created",
    "eventTime",
    "date",
    "datetime",
)
"""Where the event time usually is, tried in this order when the projection names no field."""


@dataclass(frozen=True)
class Wanted:
    """What a projection asks of each event."""

    projection: Projection

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every event path that can fill a wanted column: the fields, then their aliases, each once."""
        aliases = (path for _, paths in self.projection.aliases for path in paths)
        return tuple(dict.fromkeys((*self.projection.fields, *aliases)))

    @cached_property
    def leading(self) -> frozenset[str]:
        """Those of the paths of whose values only the first counts, whichever field asks for them."""
        aliases = dict(self.projection.aliases)
        many = [field for field in self.projection.fields if field not in self.projection.leading]
        every = {path for field in many for path in (field, *aliases.get(field, ()))}
        return frozenset(self.paths).difference(every)

    @cached_property
    def times(self) -> tuple[str, ...]:
        """Candidates for the event time, in the order they are tried."""
        return tuple(dict.fromkeys(self.projection.time_fields or USUAL_TIME_FIELDS))

    @cached_property
    def segments(self) -> frozenset[str]:
        """Every name in a wanted path, every wanted key; names of fields, whatever they look like."""
        paths = (*self.paths, *self.times)
        return frozenset((*(name for path in paths for name in path.split(".")), *self.projection.keys))

    def columns(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The wanted columns out of a frame with a String column per path: own name first, then the aliases.

        A path the frame does not have is null in every row.
        """
        missing = [path for path in self.paths if path not in frame.columns]
        full = frame.with_columns(pl.lit(None, pl.String()).alias(path) for path in missing)
        aliases = dict(self.projection.aliases)
        return full.select(
            pl.coalesce(path, *aliases.get(path, ())).alias(path) for path in self.projection.fields
        )


def event_frame(
    frame: pl.DataFrame, columns: pl.DataFrame, times: pl.Series, last: Sequence[str] = ()
) -> pl.DataFrame:
    """ROW, OFFSET, TIME, the wanted columns, then the columns of `frame` named in `last`.

    A missing event time is filled with the broker's where there is one.
    """
    filled = times.fill_null(frame[BROKER]) if BROKER in frame.columns else times
    row = pl.int_range(frame.height, dtype=pl.UInt32, eager=True).alias(ROW)
    return pl.DataFrame([row, frame[OFFSET], filled.alias(TIME), *columns, *frame.select(last)])


def first_time(columns: Iterable[pl.Series], height: int) -> pl.Series:
    """Event time of each row: that of the first column that holds one. Int64, microseconds UTC.

    Args:
        columns: String, or Datetime in microseconds UTC.
        height: number of rows.
    """
    found = pl.Series([None], dtype=pl.Int64).new_from_index(0, height)
    for column in columns:
        missing = found.is_null()
        if not missing.any():
            break
        times = micros(column) if column.dtype == pl.String else plausible(column.to_physical())
        found = times if missing.all() else found.fill_null(times)
    return found.alias(TIME)


def nested(text: pl.Expr) -> pl.Expr:
    """True where a text is, or could be, a JSON array or object."""
    return text.str.contains(r"(?s)^\s*(?:\[.*\]|\{.*\})\s*$").fill_null(value=False)


_TEXTS = r'^\s*\[\s*"((?:[^"\\\s\[{][^"\\]*)?)"(?:\s*,\s*"[^"\\]*")*\s*\]\s*$'
"""A JSON list of texts without escapes, the first of which is no JSON itself."""


def leading_text(text: pl.Expr) -> pl.Expr:
    """Of a JSON list of texts the first, anything else as it is."""
    return pl.coalesce(text.str.extract(_TEXTS), text)


def maybe_nested(text: pl.Expr) -> pl.Expr:
    """True at least wherever `nested` is; cheap, because most texts are told by their first character."""
    # Whatever begins with white space sorts before "!".
    return (text.str.starts_with("[") | text.str.starts_with("{") | (text < "!")).fill_null(value=False)
