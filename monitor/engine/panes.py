"""Panes: what one group of a correlation did in one tick of event time, as sums.

A pane is a pure sum, so that panes, and with them the episodes, do not depend on batches, on the order of
events, or on which process saw what.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable

import polars as pl

from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.frames import OFFSET, ROW, TEXT, TIME
from monitor.model import MAX_SAMPLES, Segment
from monitor.redact import mask_name
from monitor.rules.compile import number_of
from monitor.rules.tree import Correlation

_COUNT, _OTHER = "__count", "__other"

MICROS = 1_000_000
"""Microseconds in a second; also the unit in which sums keep their fractions."""

LARGEST = 10**15
"""The most that one event adds to a sum, so that thousands of them fit an Int64."""

PANES: dict[str, pl.DataType] = {
    "group": pl.Int64(),
    "tick": pl.Int64(),
    "value": pl.Int64(),
    "subject": pl.Int64(),
    "partition": pl.String(),
    "actor": pl.String(),
    "resource": pl.String(),
    "count": pl.Int64(),
    "whole": pl.Int64(),
    "fraction": pl.Int64(),
    "first": pl.Int64(),
    "last": pl.Int64(),
    "samples": pl.List(pl.Int64()),
    "settled": pl.Boolean(),
}
"""One row per group, tick, distinct value, subject and partition.

`group`, `value` and `subject` are keyed hashes (0: none). `tick` counts resolutions since the Unix epoch.
`whole` and `fraction` (millionths) are the exact sum of a value_sum's field. `first` and `last` are event
times in microseconds; `samples` the smallest offsets. `settled`: what came before is forgotten, so that the
window that ends here can no longer be worked out; the pane only fills later windows.
"""

_IDENTITY = ("group", "tick", "value", "subject", "partition", "actor", "resource")


def resolution(correlation: Correlation) -> int:
    """Seconds per tick: 1 for windows up to an hour, 60 up to a day, else 3600; or as the rule says."""
    said = correlation.window.resolution
    if said is not None:
        return said
    if correlation.timespan <= 3600:
        return 1
    return 60 if correlation.timespan <= 86_400 else 3600


def span_ticks(correlation: Correlation) -> int:
    """Ticks in a window."""
    return math.ceil(correlation.timespan / resolution(correlation))


def panes(partition: str, correlation: Correlation, matches: Matches, keyring: Keyring) -> pl.DataFrame:
    """PANES of one batch: events of the correlation's rules with an event time and every group-by field."""
    rows = [
        r for p, r in zip(matches.rules, matches.rows, strict=True) if p.rule.header.id in correlation.rules
    ]
    selected = pl.concat([pl.Series(ROW, [], dtype=pl.UInt32), *rows]).unique()
    events = matches.context.join(selected.to_frame(), on=ROW, how="semi").drop_nulls(
        [TIME, *correlation.group_by]
    )
    if events.is_empty():
        return pl.DataFrame(schema=PANES)
    privacy, field = correlation.privacy, correlation.threshold.field
    events = spread(events, (field, privacy.subject), matches.further, _COUNT)
    actor = privacy.actor if privacy.actor in correlation.group_by else ""
    counted = correlation.type == "value_count"
    number = _number(field) if correlation.type == "value_sum" else pl.lit(0.0)
    by = events.select(correlation.group_by) if correlation.group_by else _one_group(events.height)
    tick = pl.col(TIME).floordiv(resolution(correlation) * MICROS)
    frame = events.select(
        keyring.numbers(f"group {correlation.header.id}", by).alias("group"),
        tick.alias("tick"),
        _hashed(events, field if counted else "", "value", keyring),
        _hashed(events, privacy.subject, "subject", keyring),
        pl.lit(partition).alias("partition"),
        _shown(events, actor, keyring.pseudonym).alias("actor"),
        _shown(events, privacy.resource, _name).alias("resource"),
        pl.col(_COUNT).alias("count"),
        number.floor().cast(pl.Int64, strict=False).fill_null(0).alias("whole"),
        ((number - number.floor()) * MICROS)
        .round()
        .cast(pl.Int64, strict=False)
        .fill_null(0)
        .alias("fraction"),
        pl.col(TIME).alias("first"),
        pl.col(TIME).alias("last"),
        pl.concat_list(OFFSET).alias("samples"),
        pl.lit(value=False).alias("settled"),
    )
    missing = (pl.col("value") == 0) if counted else pl.lit(value=False)
    return frame.filter(~missing)


def spread(events: pl.DataFrame, fields: Iterable[str], further: pl.DataFrame, count: str) -> pl.DataFrame:
    """The events, and once more, without counting as one, for every further value of each of the fields.

    Args:
        events: ROW and a column for each field.
        fields: empty names are left out.
        further: `monitor.engine.match.FURTHER`.
        count: name of the column that is 1 for an event and 0 for a repetition.
    """
    rows = [events.with_columns(pl.lit(1, dtype=pl.Int64).alias(count))]
    for name in dict.fromkeys(filter(None, fields)):
        others = further.filter(pl.col("field") == name).select(ROW, pl.col(TEXT).alias(_OTHER))
        again = events.join(others, on=ROW, maintain_order="left_right")
        zero = pl.lit(0, dtype=pl.Int64).alias(count)
        rows.append(again.with_columns(pl.col(_OTHER).alias(name), zero).drop(_OTHER))
    return pl.concat(rows)


def _one_group(height: int) -> pl.DataFrame:
    """What every event is grouped by where the rule says nothing."""
    return pl.DataFrame({"": pl.Series([""], dtype=pl.String).new_from_index(0, height)})


def _number(field: str) -> pl.Expr:
    """The field as Float64; what is no number adds nothing, and none adds more than `LARGEST`."""
    return number_of(pl.col(field)).clip(-LARGEST, LARGEST).fill_null(0.0)


def _hashed(events: pl.DataFrame, field: str, name: str, keyring: Keyring) -> pl.Series:
    if not field or field not in events.columns:
        return pl.zeros(events.height, dtype=pl.Int64, eager=True).alias(name)
    hashes = keyring.numbers(name, events.select(field))
    return (
        hashes.to_frame(name)
        .select(pl.when(events[field].is_not_null()).then(pl.col(name)).otherwise(0))
        .to_series()
        .alias(name)
    )


def _name(text: str | None) -> str:
    return mask_name(text or "")


def _shown(events: pl.DataFrame, field: str, show: Callable[[str | None], str]) -> pl.Series:
    """What may be shown of a field; empty where the rule names none."""
    if not field:
        return pl.Series([""] * events.height, dtype=pl.String)
    texts = events[field]
    distinct = texts.unique().drop_nulls()
    shown = pl.Series([show(text) for text in distinct], dtype=pl.String)
    return texts.replace_strict(distinct, shown, return_dtype=pl.String).fill_null(show(None))


def compact(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Panes of the same identity as one, sorted; merging is a sum, so the order of frames does not matter."""
    every = pl.concat(frames)
    merged = every.group_by(_IDENTITY).agg(
        pl.col("count", "whole", "fraction").sum(),
        pl.col("first").min(),
        pl.col("last").max(),
        pl.col("samples").first(),
        pl.col("settled").any(),
        pl.len().alias("panes"),
    )
    several = merged.filter(pl.col("panes") > 1)
    if not several.is_empty():  # lists are merged only where there is something to merge: it is slow
        lists = (
            every.join(several, on=_IDENTITY, how="semi")
            .group_by(_IDENTITY)
            .agg(pl.col("samples").explode().unique().bottom_k(MAX_SAMPLES).sort())
        )
        merged = merged.update(lists, on=list(_IDENTITY))
    return merged.sort(_IDENTITY).select(list(PANES))


def to_segment(
    correlation: Correlation, partition: str, frame: pl.DataFrame, *, replaces: bool = False
) -> Segment:
    """Panes of one partition as the store keeps them: Arrow IPC, zstd."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    step = resolution(correlation) * MICROS
    low, high = frame["tick"].min(), frame["tick"].max()
    return Segment(
        rule=correlation.header.id,
        digest=correlation.header.digest,
        partition=partition,
        first=int(low) * step if isinstance(low, int) else 0,
        last=int(high) * step if isinstance(high, int) else 0,
        rows=frame.height,
        data=buffer.getvalue(),
        replaces=replaces,
    )


def from_segment(segment: Segment) -> pl.DataFrame:
    """The panes of a segment."""
    return pl.read_ipc(io.BytesIO(segment.data)).select(list(PANES))
