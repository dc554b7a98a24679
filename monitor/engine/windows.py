"""Correlations: episodes to violations. `monitor.engine.bounds` says what an episode is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from monitor.engine.bounds import episode_bounds, within
from monitor.engine.chain import plain
from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS, resolution
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Evidence, Position, Violation
from monitor.rules.tree import Correlation

MAX_RESOURCES = 3
"""Resources an episode names, where its events touched several."""


def episodes(correlation: Correlation, frame: pl.DataFrame, keyring: Keyring) -> Iterator[Violation]:
    """Violations of all episodes in the panes, which must hold everything of the groups they hold."""
    frame = plain(correlation, frame)
    found = episode_bounds(correlation, frame)
    if found.is_empty():
        return
    numbered = found.with_row_index("episode")
    inside = (
        within(frame, numbered)
        .group_by("episode", maintain_order=True)
        .agg(
            pl.col("group", "start", "seen", "actor").first(),
            pl.col("resource")
            .filter(pl.col("resource") != "")
            .unique()
            .sort()
            .head(MAX_RESOURCES)
            .str.join(", "),
            pl.col("count").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.struct("partition", "samples").alias("samples"),
            pl.col("subject").filter(pl.col("subject") != 0).unique().bottom_k(MAX_SUBJECTS).sort(),
        )
        .sort("group", "start")
    )
    for row in inside.iter_rows(named=True):
        yield _violation(correlation, row, keyring)


def group_name(correlation: Correlation, group: int, keyring: Keyring) -> str:
    """32 hex digits of rule and group."""
    return keyring.fingerprint([correlation.header.id, str(group)])


def _violation(correlation: Correlation, row: dict[str, Any], keyring: Keyring) -> Violation:
    header = correlation.header
    start = row["start"] * resolution(correlation) * MICROS
    positions = sorted({Position(s["partition"], o) for s in row["samples"] for o in s["samples"]})
    return Violation(
        fingerprint=keyring.fingerprint([header.id, str(row["group"]), str(start)]),
        rule=header.id,
        digest=header.digest,
        level=header.level,
        status=header.status,
        kind=correlation.type,
        actor=row["actor"],
        resource=row["resource"],
        path="",
        period=instant(start),
        group=group_name(correlation, row["group"], keyring),
        count=row["count"],
        first=row["first"],
        last=row["last"],
        samples=tuple(positions[:MAX_SAMPLES]),
        evidence=Evidence(
            path=correlation.threshold.field,
            test=correlation.type,
            extract=_extract(correlation, row["seen"]),
        ),
        subjects=tuple(row["subject"]),
        value=row["seen"],
        start=start,
    )


def _extract(correlation: Correlation, seen: float) -> str:
    """What the windows held at most, and what the rule asks for."""
    span = "no longer than {} s apart" if correlation.window.kind == "session" else "in {} s"
    within = span.format(correlation.timespan)
    if correlation.threshold.when is not None:
        return f"{_figure(seen)} rules {within}, rule says {correlation.threshold.text}"
    bounds = " and ".join(f"{op} {_figure(bound)}" for op, bound in correlation.threshold.bounds)
    return f"{_figure(seen)} {within}, rule says {bounds}"


def _figure(number: float) -> str:
    """The number as people write it: no exponent below 10^15, no fraction that says nothing."""
    return f"{number:.15g}"


def instant(micros: int) -> str:
    """`2026-11-16T09:30:00Z`."""
    return str(
        pl.select(pl.from_epoch(pl.lit(micros), time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).item()
    )
