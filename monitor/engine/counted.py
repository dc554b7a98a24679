"""What a correlation counts of a batch: its events, each in every group it belongs to.

A list in a group-by field makes the event one of each element's group. A list in the field that is measured,
or in the data subject's, is as many values: the event is there again for each, without counting as one.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from monitor.engine.match import FURTHER, Matches
from monitor.frames import OFFSET, PARTITION, ROW, TEXT, TIME
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import DISTINCT, TELLING

COUNT = "__count"
"""1 for an event in a group, 0 for its repetitions."""

MASK = "__mask"
"""Bits of the correlation's rules that the event matched; 0 where the type does not ask."""

_OTHER = "__other"


def counted(correlation: Correlation, matches: Matches) -> pl.DataFrame:
    """ROW, OFFSET, TIME, PARTITION, COUNT, MASK and the fields, aliases under their own names.

    An event that several rules match is once in a group: as the first of them reads it.
    """
    views = [_view(correlation, matches, rules) for rules in _alike(correlation)]
    if len(views) == 1:
        return views[0]
    key = [ROW, *correlation.group_by]
    masks = pl.concat([view.select(*key, MASK).unique() for view in views])
    masks = masks.group_by(key).agg(pl.col(MASK).bitwise_or())
    kept = views[:1]
    for view in views[1:]:
        kept.append(view.join(pl.concat(kept), on=key, how="anti", nulls_equal=True))
    return pl.concat(kept).drop(MASK).join(masks, on=key, maintain_order="left")


def _alike(correlation: Correlation) -> list[tuple[str, ...]]:
    """The rules, those together whose events call everything the same."""
    names = [alias.name for alias in correlation.aliases]
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for rule in correlation.own:
        spelling = tuple(correlation.own_name(name, rule) for name in names)
        found[spelling] = (*found.get(spelling, ()), rule)
    return list(found.values())


def _view(correlation: Correlation, matches: Matches, rules: tuple[str, ...]) -> pl.DataFrame:
    """The events of some rules that call everything the same."""
    events = matches.context.join(_rows(correlation, matches, rules), on=ROW, maintain_order="left")
    privacy, measured = correlation.privacy, correlation.threshold.fields
    peers = "" if correlation.baseline is None else correlation.baseline.peers
    names = dict.fromkeys(
        (*correlation.group_by, *measured, privacy.actor, privacy.subject, privacy.resource, peers)
    )
    own = {name: correlation.own_name(name, rules[0]) for name in names if name}
    events = events.select(*_KEPT, *(pl.col(called).alias(name) for name, called in own.items()))
    once, groups = events.height, list(correlation.group_by)
    if matches.further.is_empty():
        return events.drop_nulls([TIME, *groups]).with_columns(pl.lit(1, dtype=pl.Int64).alias(COUNT))
    further = [
        matches.further.filter(pl.col("field") == called).with_columns(field=pl.lit(name))
        for name, called in own.items()
    ]
    others = pl.concat([pl.DataFrame(schema=FURTHER), *further])
    for name in groups:
        events = pl.concat([events, _again(events, name, others)])
    grouped = events.drop_nulls([TIME, *groups])
    if events.height > once:
        grouped = grouped.unique([ROW, *groups], keep="first", maintain_order=True)
    return _every_value(correlation, grouped, others)


_KEPT = (ROW, OFFSET, TIME, PARTITION, MASK)


def _rows(correlation: Correlation, matches: Matches, rules: tuple[str, ...]) -> pl.DataFrame:
    """ROW and MASK of the events that one of the rules matched."""
    told = correlation.type in TELLING
    bits = {rule: 1 << at if told else 0 for at, rule in enumerate(correlation.rules)}
    frames = [
        rows.to_frame(ROW).with_columns(pl.lit(bits[plan.rule.header.id], dtype=pl.Int64).alias(MASK))
        for plan, rows in zip(matches.rules, matches.rows, strict=True)
        if plan.rule.header.id in rules
    ]
    every = pl.concat([pl.DataFrame(schema={ROW: pl.UInt32, MASK: pl.Int64}), *frames])
    return every if len(frames) < 2 else every.group_by(ROW).agg(pl.col(MASK).bitwise_or())


def _every_value(correlation: Correlation, events: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The events, and again for each further value that is measured, and for each further data subject."""
    rows = events.with_columns(pl.lit(1, dtype=pl.Int64).alias(COUNT))
    measured, subject = correlation.threshold.fields, correlation.privacy.subject
    for name in measured:
        rows = pl.concat([rows, _repeated(rows, name, others)])
    if subject and subject not in (*measured, *correlation.group_by):
        again = _repeated(rows, subject, others)
        if correlation.type not in DISTINCT:
            # What is added up or ranked was so already.
            again = again.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in measured)
        rows = pl.concat([rows, again])
    return rows


def _repeated(rows: pl.DataFrame, name: str, others: pl.DataFrame) -> pl.DataFrame:
    return _again(rows, name, others).with_columns(pl.lit(0, dtype=pl.Int64).alias(COUNT))


def _again(rows: pl.DataFrame, name: str, others: pl.DataFrame) -> pl.DataFrame:
    """Rows of events with a further value of a field, which stands there in place of the first."""
    mine = others.filter(pl.col("field") == name).select(ROW, pl.col(TEXT).alias(_OTHER))
    joined = rows.join(mine, on=ROW, maintain_order="left_right")
    return joined.with_columns(pl.col(_OTHER).alias(name)).drop(_OTHER)


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
        again = _again(events, name, further).with_columns(pl.lit(0, dtype=pl.Int64).alias(count))
        rows.append(again.select(*events.columns, count))
    return pl.concat(rows)
