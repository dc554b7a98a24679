"""Plain lines: each record is one event with one field, `message`. Nothing is refused but blank lines.

Bytes that are not UTF-8 are read with U+FFFD in their place and counted: a log with one bad byte is searched.
"""

from __future__ import annotations

import polars as pl

from monitor.decode.fields import Wanted, event_frame, nested
from monitor.decode.leaves import Flattener, leaves_frame
from monitor.decode.records import records, without_blank
from monitor.decode.times import PATTERN, micros
from monitor.frames import RAW, ROW, EventBatch, Projection, RecordBatch

MESSAGE = "message"

# `[2016-12-20 00:04:03,231] …`, `2016/12/20 00:04:03 …`, and RFC 5424's `<34>1 2003-10-11T22:14:15.003Z …`.
_STAMP = rf"^\s*(?:<\d{{1,3}}>\d?\s?)?\[?({PATTERN})"
_SYSLOG_STAMP = r"^(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2})"


class TextDecoder:
    """Decodes records that are plain text.

    Args:
        projection: of its fields only `message` is there.
        year: the year of times without one (`Nov 23 08:00:00`), read as UTC; None leaves such events untimed.
    """

    def __init__(self, projection: Projection, year: int | None = None) -> None:
        self._wanted = Wanted(projection)
        self._year = year

    def decode(self, batch: RecordBatch) -> EventBatch:
        """Events of a batch of lines or values; the event time is the one the text begins with."""
        found = without_blank(records(batch, replace=True))
        columns = found.frame.select(pl.col(RAW).alias(MESSAGE))
        return EventBatch(
            partition=batch.partition,
            logsource=batch.logsource,
            frame=event_frame(
                found.frame, self._wanted.columns(columns), self._times(found.text), last=(RAW,)
            ),
            irregular=columns.select(nested(pl.col(MESSAGE))).to_series(),
            haystack=(RAW,),
            read_leaves=_leaves,
            rejects=found.rejects,
            facts=found.facts,
        )

    def _times(self, text: pl.Series) -> pl.Series:
        stamps = text.str.extract(_STAMP)
        if self._year is not None:
            stamps = stamps.fill_null(text.str.extract(_SYSLOG_STAMP))
        return micros(stamps, self._year)


def _leaves(events: pl.DataFrame) -> pl.DataFrame:
    flattener = Flattener()
    return leaves_frame(events[ROW].to_list(), (flattener.field(MESSAGE, line) for line in events[RAW]))
