"""What a correlation counts, out of its panes: all of them, those of what is new, or violations of others.

Correlations over correlations: the panes of the inner ones are kept with those of the outer one.

From them the inner episodes are worked out whenever the outer windows are, so nothing depends on which
instance saw what. An inner episode counts as one event of the tick it starts in, however long it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from monitor.engine.bounds import episode_bounds, settle, within
from monitor.engine.fresh import fresh, remembering
from monitor.engine.panes import CHAINED, MICROS, PANES, resolution, span_ticks
from monitor.engine.unanswered import awaiting, unanswered
from monitor.rules.correlation import MAX_RULES
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import TEMPORAL


def plain(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """PANES of what the correlation counts: its own events, and those of inner episodes, at their starts.

    Of a `new_value` those that are new, of an `absence` those that nothing answered.
    """
    if correlation.type == "new_value":
        return fresh(correlation, frame)
    if correlation.type == "absence":
        return unanswered(correlation, frame)
    if not correlation.inner:
        return frame
    own = frame.filter(pl.col("source") == 0).select(list(PANES))
    return pl.concat([own, *(_started(correlation, one, rows) for one, rows in _inner(correlation, frame))])


def _inner(correlation: Correlation, frame: pl.DataFrame) -> Iterator[tuple[Correlation, pl.DataFrame]]:
    """Each inner correlation with its panes, `group` and `inner` changed over."""
    swapped = {"group": pl.col("inner"), "inner": pl.col("group")}
    for number, one in enumerate(correlation.inner, 1):
        yield one, frame.filter(pl.col("source") == number).with_columns(**swapped)


def _started(outer: Correlation, inner: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """PANES of the outer correlation: those in inner episodes, at the tick the episode starts; one counts."""
    found = episode_bounds(inner, frame).with_row_index("episode")
    start = pl.col("start") * resolution(inner) * MICROS
    step = resolution(outer) * MICROS
    began = pl.col("passed") & (pl.col("tick") == pl.col("start"))
    return (
        within(frame, found)
        .with_columns(
            value=_value(outer, inner, start, step),
            count=pl.col("episode").is_first_distinct().cast(pl.Int64),
            settled=began.any().over("episode"),
            whole=pl.lit(0, dtype=pl.Int64),
            fraction=pl.lit(0, dtype=pl.Int64),
            numbers=pl.lit(0, dtype=pl.Int64),
            group=pl.col("inner"),
            tick=start.floordiv(step),
        )
        .select(list(PANES))
    )


def _value(outer: Correlation, inner: Correlation, start: pl.Expr, step: int) -> pl.Expr:
    """`value` of PANES of the outer correlation."""
    if outer.type not in TEMPORAL:
        return pl.col("outer")
    bit = pl.lit(1 << outer.rules.index(inner.header.id), dtype=pl.Int64)
    return bit if outer.type == "temporal" else (start - start.floordiv(step) * step) * (1 << MAX_RULES) + bit


def ticks(correlation: Correlation) -> pl.Expr:
    """The tick of each pane in the correlation's own resolution."""
    tick = pl.col("tick")
    for number, one in enumerate(correlation.inner, 1):
        here = (pl.col("tick") * resolution(one)).floordiv(resolution(correlation))
        tick = pl.when(pl.col("source") == number).then(here).otherwise(tick)
    return tick


def settled(correlation: Correlation) -> pl.Expr:
    """Whether a pane no longer begins or ends anything here."""
    if not correlation.inner:
        return pl.col("settled")
    return pl.when(pl.col("source") == 0).then(pl.col("settled")).otherwise(pl.col("passed"))


def reach(correlation: Correlation) -> int:
    """Ticks over which one event may matter: the window's, and before it the longest of those it counts.

    Of an absence the window begins with an event that may be a timespan away, and ends when that is due.
    """
    if correlation.type == "absence":
        lateness = -(-correlation.window.lateness // resolution(correlation))
        return 2 * span_ticks(correlation) + lateness + 1
    step = resolution(correlation)
    before = max((-(-span_ticks(one) * resolution(one) // step) for one in correlation.inner), default=0)
    return span_ticks(correlation) + before


def remembered(correlation: Correlation, panes: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """The panes that an event at the horizon or later could still matter to."""
    groups = panes.select("group").unique()
    horizons = groups.with_columns(horizon=pl.lit(horizon, dtype=pl.Int64))
    if correlation.type == "new_value":
        return remembering(correlation, panes, horizons)
    if correlation.type == "absence":
        return awaiting(correlation, panes, horizons)
    kept = settle(correlation, plain(correlation, panes), horizons)
    if not correlation.inner:
        return kept.drop("since")
    # A group whose inner episodes are over has nothing that could be joined.
    since = horizons.join(kept.group_by("group").agg(pl.col("since").first()), on="group", how="left")
    since = since.select("group", since=pl.col("since").fill_null(pl.col("horizon")))
    own = panes.filter(pl.col("source") == 0).join(since, on="group", maintain_order="left")
    own = own.filter(pl.col("tick") > pl.col("since") - span_ticks(correlation)).with_columns(
        settled=pl.col("settled") | (pl.col("tick") < pl.col("since"))
    )
    inner = [_kept(correlation, one, rows, since) for one, rows in _inner(correlation, panes)]
    return pl.concat([frame.select(list(CHAINED)) for frame in (own, *inner)])


def _kept(outer: Correlation, inner: Correlation, frame: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """The panes of the inner episodes that the outer windows may still hold."""
    here, there = resolution(outer), resolution(inner)
    wanted = (pl.col("since") - span_ticks(outer)) * here
    known = frame.select("group", outer_group="inner").unique()
    horizons = known.join(since, left_on="outer_group", right_on="group")
    began = horizons.select("group", passing=pl.col("since") * here)
    horizons = horizons.select("group", horizon=wanted.floordiv(there))
    kept = settle(inner, frame, horizons).drop("since").join(began, on="group", maintain_order="left")
    return kept.with_columns(
        passed=pl.col("passed") | (pl.col("tick") * there < pl.col("passing")),
        group=pl.col("inner"),
        inner=pl.col("group"),
    )
