"""Panes: what one group of a correlation did in one tick of event time, as sums.

A pane is a pure sum, so that panes, and with them the episodes, do not depend on batches, on the order of
events, or on which process saw what.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable

import polars as pl

from monitor.engine.counted import COUNT, MASK, counted
from monitor.engine.keys import FEW, Keyring
from monitor.engine.match import Matches
from monitor.engine.plan import RulePlan
from monitor.frames import OFFSET, PARTITION, TIME
from monitor.model import MAX_SAMPLES, Segment
from monitor.redact import mask_name
from monitor.rules.compile import number_of
from monitor.rules.correlation import MAX_RULES
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import DISTINCT

MICROS = 1_000_000
"""Microseconds in a second; also the unit in which sums keep their fractions."""

LARGEST = 10**15
"""The most that one event adds to a sum, so that thousands of them fit an Int64."""

_MEASURES = {
    "value_sum": LARGEST,
    "value_avg": LARGEST,
    "value_median": LARGEST // 1000,
    "value_percentile": LARGEST // 1000,
}
"""Types that read a number, and the most it is taken as: ranked ones are millionths in an Int64."""

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
    "numbers": pl.Int64(),
    "first": pl.Int64(),
    "last": pl.Int64(),
    "samples": pl.List(pl.Int64()),
    "settled": pl.Boolean(),
}
"""One row per group, tick, distinct value, subject and partition.

`group` and `subject` are keyed hashes (0: none). `tick` counts resolutions since the Unix epoch. `value` is
what windows tell apart: a keyed hash for value_count; the number in millionths for value_median and
value_percentile; for temporal the bits of the rules that matched, and for temporal_ordered and absence before
them (times 2^MAX_RULES) the microseconds since the tick began; else 0. `whole` and `fraction` (millionths)
are the exact sum of the `numbers` that the measured field held, or of a ratio the events that its first rule
matched; of a new_value see `monitor.engine.fresh.PASSED`.
`first` and `last` are event times in microseconds; `samples` the smallest offsets. `settled`: what came
before is forgotten, so that windows without later panes can no longer be worked out; it only fills others.
"""

CHAINED: dict[str, pl.DataType] = PANES | {
    "source": pl.Int64(),
    "inner": pl.Int64(),
    "outer": pl.Int64(),
    "passed": pl.Boolean(),
}
"""PANES of a correlation that counts others. Rows of `source` 0 are its own; those of n are panes of the n-th
inner correlation, in its ticks, with its values: `inner` is the group there, `outer` the value here of its
violations, and `passed` says here what `settled` says there.
"""

_IDENTITY = (
    "group",
    "tick",
    "value",
    "subject",
    "partition",
    "actor",
    "resource",
    "source",
    "inner",
    "outer",
)


def schema(correlation: Correlation) -> dict[str, pl.DataType]:
    """Columns of its panes."""
    return CHAINED if correlation.inner else PANES


def resolution(correlation: Correlation) -> int:
    """Seconds per tick."""
    return correlation.window.tick(correlation.timespan)


def span_ticks(correlation: Correlation) -> int:
    """Ticks in a window."""
    return math.ceil(correlation.timespan / resolution(correlation))


def hop_ticks(correlation: Correlation) -> int:
    """Ticks from one hopping or tumbling window to the next."""
    return math.ceil((correlation.window.hop or correlation.timespan) / resolution(correlation))


def panes(correlation: Correlation, matches: Matches, keyring: Keyring) -> pl.DataFrame:
    """PANES of one batch: events of the correlation's rules with an event time and every group-by field.

    CHAINED where it counts other correlations.
    """
    own = _panes(correlation, matches, keyring)
    if not correlation.inner:
        return own.select(list(PANES))
    zero = pl.lit(0, dtype=pl.Int64)
    chained = [own.with_columns(source=zero, inner=zero, outer=zero, passed=pl.lit(value=False))]
    for number, one in enumerate(correlation.inner, 1):
        frame = _panes(one, matches, keyring, correlation)
        chained.append(frame.with_columns(pl.lit(number, dtype=pl.Int64).alias("source")))
    return pl.concat([frame.select(list(CHAINED)) for frame in chained])


def _panes(
    correlation: Correlation,
    matches: Matches,
    keyring: Keyring,
    outer: Correlation | None = None,
) -> pl.DataFrame:
    """PANES, and for an outer correlation that counts this one all of CHAINED but the source."""
    events = counted(correlation, matches) if any(len(r) for _, r in _of(correlation, matches)) else None
    if events is None or events.is_empty():
        return pl.DataFrame(schema=CHAINED)
    privacy = correlation.privacy
    actor = privacy.actor if privacy.actor in correlation.group_by else ""
    by = events.select(correlation.group_by) if correlation.group_by else _one_group(events.height)
    number = _number(events, correlation)
    whole = number.floor().cast(pl.Int64)
    fraction = ((number - number.floor()) * MICROS).round().cast(pl.Int64)
    frame = events.select(
        keyring.numbers(f"group {correlation.header.id}", by).alias("group"),
        pl.col(TIME).floordiv(resolution(correlation) * MICROS).alias("tick"),
        _value(correlation, events, whole * MICROS + fraction, keyring),
        hashed(events, (privacy.subject,), "subject", keyring),
        pl.col(PARTITION).alias("partition"),
        shown(events, actor, keyring.pseudonym).alias("actor"),
        shown(events, privacy.resource, resource_name).alias("resource"),
        pl.col(COUNT).alias("count"),
        whole.fill_null(0).alias("whole"),
        fraction.fill_null(0).alias("fraction"),
        number.is_not_null().cast(pl.Int64).alias("numbers"),
        pl.col(TIME).alias("first"),
        pl.col(TIME).alias("last"),
        pl.concat_list(OFFSET).alias("samples"),
        pl.lit(value=False).alias("settled"),
    )
    if outer is not None:
        frame = frame.with_columns(_outer(outer, correlation, events, frame["group"], keyring))
    missing = (pl.col("value") == 0) if correlation.type in DISTINCT else pl.lit(value=False)
    return frame.filter(~missing)


def _outer(
    outer: Correlation, inner: Correlation, events: pl.DataFrame, group: pl.Series, keyring: Keyring
) -> list[pl.Series | pl.Expr]:
    """The columns of an inner correlation's panes that the outer one reads."""

    def own(names: tuple[str, ...]) -> list[str]:
        return [outer.own_name(name, inner.header.id) for name in names]

    by = events.select(pl.col(name).alias(str(at)) for at, name in enumerate(own(outer.group_by)))
    by = by if outer.group_by else _one_group(events.height)
    value = pl.zeros(events.height, dtype=pl.Int64, eager=True)
    if outer.type == "value_count":
        value = hashed(events, tuple(own(outer.threshold.fields)), "value", keyring)
    named = outer.privacy.actor in outer.group_by
    (actor,) = own((outer.privacy.actor,)) if named else ("",)
    return [
        group.alias("inner"),
        keyring.numbers(f"group {outer.header.id}", by).alias("group"),
        value.alias("outer"),
        shown(events, actor, keyring.pseudonym).alias("actor"),
        pl.lit(value=False).alias("passed"),
    ]


def _of(correlation: Correlation, matches: Matches) -> list[tuple[RulePlan, pl.Series]]:
    asked = zip(matches.rules, matches.rows, strict=True)
    return [(plan, rows) for plan, rows in asked if plan.rule.header.id in correlation.rules]


def _value(
    correlation: Correlation, events: pl.DataFrame, millionths: pl.Series, keyring: Keyring
) -> pl.Series:
    """What windows tell apart, as PANES says of `value`."""
    match correlation.type:
        case "value_count" | "new_value":
            found = hashed(events, correlation.threshold.fields, "value", keyring)
        case "value_median" | "value_percentile":
            found = millionths.fill_null(0)
        case "temporal":
            found = events[MASK]
        case "temporal_ordered" | "absence":
            step = resolution(correlation) * MICROS
            within = events.select(pl.col(TIME) - pl.col(TIME).floordiv(step) * step).to_series()
            found = within * (1 << MAX_RULES) + events[MASK]
        case _:
            found = pl.zeros(events.height, dtype=pl.Int64, eager=True)
    return found.alias("value")


def _one_group(height: int) -> pl.DataFrame:
    """What every event is grouped by where the rule says nothing."""
    return pl.DataFrame({"": pl.Series([""], dtype=pl.String).new_from_index(0, height)})


def _number(events: pl.DataFrame, correlation: Correlation) -> pl.Series:
    """What is added up as Float64, null where that is no number; none is beyond what its type can hold."""
    if correlation.type == "ratio":
        return events.select(((pl.col(MASK) & 1) * pl.col(COUNT)).cast(pl.Float64)).to_series()
    if correlation.type not in _MEASURES:
        return pl.Series([None], dtype=pl.Float64).new_from_index(0, events.height)
    most = _MEASURES[correlation.type]
    field = correlation.threshold.field
    return events.select(number_of(pl.col(field)).clip(-most, most).alias(field))[field]


def hashed(events: pl.DataFrame, fields: tuple[str, ...], name: str, keyring: Keyring) -> pl.Series:
    """Keyed hashes of the fields together; 0 where one is missing."""
    if not all(field in events.columns for field in fields):
        return pl.zeros(events.height, dtype=pl.Int64, eager=True).alias(name)
    asked = events.select(fields)
    there = asked.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    return keyring.numbers(name, asked).zip_with(there, pl.zeros(1, dtype=pl.Int64, eager=True)).alias(name)


def resource_name(text: str | None) -> str:
    """What may be said of a resource."""
    return mask_name(text or "")


def shown(events: pl.DataFrame, field: str, show: Callable[[str | None], str]) -> pl.Series:
    """What may be shown of a field; empty where the rule names none."""
    if not field:
        return pl.Series([""] * events.height, dtype=pl.String)
    texts = events[field]
    if texts.len() < FEW:
        return pl.Series([show(text) for text in texts], dtype=pl.String)
    distinct = texts.unique().drop_nulls()
    shown = pl.Series([show(text) for text in distinct], dtype=pl.String)
    return texts.replace_strict(distinct, shown, return_dtype=pl.String).fill_null(show(None))


def compact(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Panes of the same identity as one, sorted; merging is a sum, so the order of frames does not matter."""
    every = pl.concat(frames)
    identity = [name for name in _IDENTITY if name in every.columns]
    merged = every.group_by(identity).agg(
        pl.col("count", "whole", "fraction", "numbers").sum(),
        pl.col("first").min(),
        pl.col("last").max(),
        pl.col("samples").first(),
        pl.col("^settled|passed$").any(),
        pl.len().alias("panes"),
    )
    several = merged.filter(pl.col("panes") > 1)
    if not several.is_empty():  # lists are merged only where there is something to merge: it is slow
        lists = (
            every.join(several, on=identity, how="semi")
            .group_by(identity)
            .agg(pl.col("samples").explode().unique().bottom_k(MAX_SAMPLES).sort())
        )
        merged = merged.update(lists, on=identity)
    return merged.sort(identity).select(every.columns)


def to_segment(
    correlation: Correlation, partition: str, frame: pl.DataFrame, *, replaces: bool = False
) -> Segment:
    """Panes of one partition as the store keeps them: Arrow IPC, zstd."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd")
    step = resolution(correlation) * MICROS
    low, high = frame["first"].min(), frame["last"].max()
    return Segment(
        rule=correlation.header.id,
        digest=correlation.header.digest,
        partition=partition,
        first=low // step * step if isinstance(low, int) else 0,
        last=high // step * step if isinstance(high, int) else 0,
        rows=frame.height,
        data=buffer.getvalue(),
        replaces=replaces,
    )


def from_segment(segment: Segment) -> pl.DataFrame:
    """The panes of a segment. Those of releases before averages have no `numbers`, which none asked for."""
    panes = pl.read_ipc(io.BytesIO(segment.data))
    if "numbers" not in panes.columns:
        panes = panes.with_columns(numbers=pl.lit(0, dtype=pl.Int64))
    return panes.select([name for name in CHAINED if name in panes.columns])
