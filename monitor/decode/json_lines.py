"""JSON records: one object (or array) each, read a block at a time.

Only wanted columns are read; the record's text stays beside them. See `json_columns` for what a column cannot
hold, and `sieve` for records that are not JSON.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl

from monitor.decode.fields import Wanted, event_frame, first_time
from monitor.decode.json_columns import IRREGULAR, JsonColumns, Present
from monitor.decode.leaves import json_leaves
from monitor.decode.records import Records, records
from monitor.decode.sieve import block, sift
from monitor.frames import LINE, RAW, ROW, EventBatch, Projection, RecordBatch

_MANY_UNTIMED = 0.05
"""Share of rows without a time after the first pass from which on all candidates are read in the first."""


class JsonDecoder:
    """Decodes records that are JSON.

    What it remembers between batches is only how many candidates for the event time it reads at once; the
    events are the same in any split.
    """

    def __init__(self, projection: Projection) -> None:
        self._all = Wanted(projection)
        first = projection.fields if projection.first is None else projection.first
        self._wanted = Wanted(replace(projection, fields=first))
        self._first = self._plan(1)
        self._late = None if projection.first is None else Present(_columns_of(self._all, ()))

    def _plan(self, timed: int) -> JsonColumns:
        """What the first pass reads, with that many of the candidates for the event time."""
        return _columns_of(self._wanted, self._wanted.times[:timed])

    def decode(self, batch: RecordBatch) -> EventBatch:
        """Events of a batch of lines or values; an array of objects is one, irregular, event."""
        first = self._first  # another thread may change it for the batches to come
        found, lines, read = self._read(first, records(batch, replace=False))
        text = found.text
        columns = first.columns(read, text if lines is None else lines, text)
        texts = found.frame if lines is None else found.frame.with_columns(lines.alias(LINE))
        return EventBatch(
            partition=batch.partition,
            logsource=batch.logsource,
            frame=event_frame(
                texts,
                self._wanted.columns(columns),
                self._times(len(first.times), columns, texts),
                last=(RAW,) if lines is None else (RAW, LINE),
            ),
            irregular=columns[IRREGULAR] if lines is None else columns[IRREGULAR] | _arrays(text),
            haystack=(RAW,),
            json=True,
            read_leaves=partial(_leaves, self._all.segments),
            rejects=found.rejects,
            facts=found.facts,
            detail=None if self._late is None else partial(self._detail, self._late),
        )

    def _detail(self, present: Present, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Every wanted column of some events, and which of those are irregular."""
        lines = _lines(frame)
        late = present.within(frame[RAW])
        columns = late.columns(late.read(block(lines)), lines, frame[RAW])
        return self._all.columns(columns), columns[IRREGULAR] | _arrays(frame[RAW])

    @staticmethod
    def _read(first: JsonColumns, found: Records) -> tuple[Records, pl.Series | None, pl.DataFrame]:
        """Records that are JSON, the lines to read them from where they are not those, and the first pass."""
        text = found.text
        if found.blob is not None and text.str.starts_with("{").all():
            try:
                # A line of white space, which polars leaves out, does not start with a brace.
                return found, None, first.read(found.blob)
            except pl.exceptions.ComputeError:
                pass  # some line is not JSON
        sifted = sift(text)
        lines = sifted.text.filter(sifted.reasons.is_null())
        kept = replace(found.without(sifted.reasons), blob=None)
        return kept, lines, first.read(block(lines))

    def _times(self, timed: int, columns: pl.DataFrame, texts: pl.DataFrame) -> pl.Series:
        """Event times: the first candidate is read with the columns, the others where it says nothing."""
        candidates = self._wanted.times
        times = first_time((columns[path] for path in candidates[:timed]), columns.height)
        rest = candidates[timed:]
        rows = times.is_null().arg_true()
        if not rest or rows.is_empty():
            return times
        others = JsonColumns(times=rest)
        untimed = texts[rows]
        lines = _lines(untimed)
        found = others.columns(others.read(block(lines)), lines, untimed[RAW])
        if rows.len() > _MANY_UNTIMED * times.len():
            self._first = self._plan(len(candidates))
        return times.scatter(rows, first_time(found.select(rest), rows.len()))


def _lines(frame: pl.DataFrame) -> pl.Series:
    """The records of a frame as lines that `read_ndjson` takes."""
    return frame[LINE if LINE in frame.columns else RAW]


def _columns_of(wanted: Wanted, times: tuple[str, ...]) -> JsonColumns:
    return JsonColumns(wanted.paths, frozenset(wanted.projection.fields), times, wanted.leading)


def _arrays(raw: pl.Series) -> pl.Series:
    """Which records are arrays."""
    return raw.str.starts_with("[") | (
        raw.str.contains(r"^\s+\[") if raw.str.starts_with(" ").any() else False
    )


def _leaves(names: frozenset[str], events: pl.DataFrame) -> pl.DataFrame:
    return json_leaves(events[ROW], events[RAW], names)
