"""The value of every window: what each type sees in it.

Sliding windows end with each tick that the group has events in. Hopping ones begin every `hop` ticks since
the Unix epoch, tumbling ones with each timespan; a session is a run of events no two further apart than that.
"""

from __future__ import annotations

import polars as pl

from monitor.engine.panes import MICROS, hop_ticks, resolution, span_ticks
from monitor.rules.compile import EXACT_FLOATS
from monitor.rules.condition import names_in
from monitor.rules.correlation import MAX_RULES
from monitor.rules.tree import And, Correlation, Ref

WINDOWS: dict[str, pl.DataType] = {
    "group": pl.Int64(),
    "begins": pl.Int64(),
    "end": pl.Int64(),
    "seen": pl.Float64(),
    "rules": pl.Int64(),
}
"""One row per window. `begins` and `end` are its first and last tick; of a session those with events. `seen`
is null where nothing was measured; `rules` are the bits of the rules that matched, for temporal types.
"""

_SUMS = pl.col("count", "whole", "fraction", "numbers").sum()
_BITS = pl.col("value") & ((1 << MAX_RULES) - 1)
_CHAIN = pl.col("^chain .*$")
_HOW_MANY = pl.col("rules").bitwise_count_ones().cast(pl.Float64).alias("seen")
_NO_RULES = pl.lit(0, dtype=pl.Int64).alias("rules")


def windowed(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """WINDOWS of the groups in the panes, all of those that hold a pane which is not settled."""
    if correlation.window.kind != "sliding":
        return _reduced(correlation, _placed(correlation, frame))
    span = span_ticks(correlation)
    settled = frame.filter(pl.col("settled")).select("group", "tick")
    found = _sliding(correlation, frame, span).join(settled, on=["group", "tick"], how="anti")
    ends = pl.col("tick")
    return found.with_columns(begins=ends - span + 1, end=ends).select(list(WINDOWS))


def able(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """The panes of the groups of which some window may reach what the condition asks for at least.

    Most groups never come near it, and this is asked of each once, the windows of each many times.
    """
    threshold = correlation.threshold
    floor = max((bound for op, bound in threshold.bounds if op in {"gt", "gte", "eq"}), default=0)
    if threshold.when is not None and correlation.type == "temporal_ordered":
        floor = len(ordered(correlation))
    added, most = _most(correlation)
    if floor <= 0 or (added is None and most is None):
        return frame
    # No window reaches over more than two neighbouring stretches of its length.
    stretch = pl.lit(0) if correlation.window.kind == "session" else pl.col("tick") // span_ticks(correlation)
    if added is None:
        reach = frame.group_by("group").agg(most)
    else:
        sums = frame.group_by("group", stretch.alias("tick")).agg(added.alias("most"))
        before = sums.select("group", pl.col("tick") + 1, pl.col("most").alias("before"))
        joined = sums.join(before, on=["group", "tick"], how="left")
        reach = joined.select("group", most=pl.col("most") + pl.col("before").fill_null(0))
    return frame.join(reach.filter(pl.col("most") >= floor), on="group", how="semi", maintain_order="left")


def _most(correlation: Correlation) -> tuple[pl.Expr | None, pl.Expr | None]:
    """What no window of a group has more of: a sum over its panes, or `most` of all of them; else nothing."""
    match correlation.type:
        case "event_count":
            return pl.col("count").sum(), None
        case "value_count" | "new_value":
            return pl.len().cast(pl.Int64), None
        case "value_sum":
            return (pl.col("whole") + pl.col("fraction").floordiv(MICROS) + 1).clip(lower_bound=0).sum(), None
        case "temporal" | "temporal_ordered":
            return None, _BITS.bitwise_or().bitwise_count_ones().alias("most")
        case "value_median" | "value_percentile":
            return None, (pl.col("value").max().floordiv(MICROS) + 1).alias("most")
        case _:
            return None, None


def ordered(correlation: Correlation) -> tuple[str, ...]:
    """The rules of a temporal_ordered that have to match, one after the other."""
    when = correlation.threshold.when
    if when is None:
        return correlation.rules
    operands = when.operands if isinstance(when, And) else (when,)
    wanted = frozenset[str]().union(*(names_in(one) for one in operands if isinstance(one, Ref)))
    return tuple(rule for rule in correlation.rules if rule in wanted)


def _sliding(correlation: Correlation, frame: pl.DataFrame, span: int) -> pl.DataFrame:
    """`group`, `tick`, `seen`, `rules` of the window that ends with each tick."""
    tick = ["group", "tick"]
    match correlation.type:
        case "value_count" | "new_value":
            return _distinct(frame, span).with_columns(_NO_RULES)
        case "temporal":
            return _lately(correlation, frame, span)
        case "temporal_ordered":
            latest = _lately(correlation, frame, span).select(*tick, "rules")
            chains = _chains(correlation, frame, ["group"]).group_by(tick).agg(_CHAIN.last())
            since = (pl.col("tick") - span + 1) * resolution(correlation) * MICROS
            return chains.select(
                *tick, pl.sum_horizontal(since <= _CHAIN).cast(pl.Float64).alias("seen")
            ).join(latest, on=tick)
        case "value_median" | "value_percentile":
            per_tick, seen = (
                frame.group_by(tick).agg(_repeated()),
                _ranked(correlation, pl.col("value").explode()),
            )
        case _:
            per_tick, seen = frame.group_by(tick).agg(_SUMS), _measured(correlation)
    rolled = per_tick.sort(tick).rolling("tick", period=f"{span}i", group_by="group", closed="right")
    return rolled.agg(seen).with_columns(_NO_RULES)


def _placed(correlation: Correlation, frame: pl.DataFrame) -> pl.DataFrame:
    """The panes with `begins` and `end` of each window they are in, of windows with an unsettled one."""
    span = span_ticks(correlation)
    if correlation.window.kind == "session":
        apart = pl.col("tick") - pl.col("tick").shift().over("group") > span
        placed = frame.sort("group", "tick").with_columns(run=apart.fill_null(value=True).cum_sum())
        tick = pl.col("tick")
        placed = placed.with_columns(begins=tick.min().over("run"), end=tick.max().over("run")).drop("run")
    else:
        hop = hop_ticks(correlation)
        back = pl.int_ranges(0, -(-span // hop), dtype=pl.Int64) * hop
        placed = (
            frame.with_columns(begins=pl.col("tick").floordiv(hop) * hop - back)
            .explode("begins")
            .with_columns(end=pl.col("begins") + span - 1)
            .filter(pl.col("end") >= pl.col("tick"))
        )
    return placed.filter((~pl.col("settled")).any().over("group", "begins"))


def _reduced(correlation: Correlation, placed: pl.DataFrame) -> pl.DataFrame:
    """WINDOWS of panes that each know their window."""
    window = ["group", "begins", "end"]
    grouped = placed.group_by(window)
    match correlation.type:
        case "value_count" | "new_value":
            found = grouped.agg(pl.col("value").n_unique().cast(pl.Float64).alias("seen"))
        case "temporal":
            found = grouped.agg(_BITS.bitwise_or().alias("rules")).with_columns(_HOW_MANY)
        case "temporal_ordered":
            chains = _chains(correlation, placed, window).group_by(window).agg(_CHAIN.last())
            seen = pl.sum_horizontal(_CHAIN.is_not_null()).cast(pl.Float64).alias("seen")
            masks = grouped.agg(_BITS.bitwise_or().alias("rules"))
            found = chains.select(*window, seen).join(masks, on=window)
        case "value_median" | "value_percentile":
            found = grouped.agg(_ranked(correlation, _repeated()))
        case _:
            found = grouped.agg(_measured(correlation))
    return (found if "rules" in found.columns else found.with_columns(_NO_RULES)).select(list(WINDOWS))


def _measured(correlation: Correlation) -> pl.Expr:
    """`seen` of the panes of a window that counts or adds up."""
    numbers, whole, fraction = (pl.col(name).sum() for name in ("numbers", "whole", "fraction"))
    match correlation.type:
        case "event_count" | "absence":
            seen = pl.col("count").sum().cast(pl.Float64)
        case "value_sum":
            seen = _decimal(whole, fraction, whole * 0 + 1)
        case "ratio":
            events = pl.col("count").sum()
            seen = pl.when(events >= correlation.threshold.events).then(whole / events)
        case _:
            seen = pl.when(numbers > 0).then(_decimal(whole, fraction, numbers))
    return seen.alias("seen")


def _repeated() -> pl.Expr:
    """Each number as often as it was there; null where none was."""
    return pl.col("value").repeat_by("numbers").explode()


def _ranked(correlation: Correlation, values: pl.Expr) -> pl.Expr:
    """`seen` of a window's numbers: the mean of the two in the middle, or the percentile by nearest rank."""
    ranks = values.drop_nulls().sort()
    count = ranks.len().cast(pl.Int64)
    if correlation.type == "value_percentile":
        nearest = (count * correlation.threshold.percentile + 99) // 100 - 1
        low = high = ranks.get(nearest, null_on_oob=True)
    else:
        low = ranks.get((count - 1) // 2, null_on_oob=True)
        high = ranks.get(count // 2, null_on_oob=True)
    both = low + high
    whole = both.floordiv(MICROS)
    return _decimal(whole, both - whole * MICROS, both * 0 + 2).alias("seen")


def _decimal(whole: pl.Expr, fraction: pl.Expr, parts: pl.Expr) -> pl.Expr:
    """The Float64 nearest to whole and millionths in so many parts: one division of exact operands."""
    # Polars multiplies by the reciprocal of a scalar, which rounds twice; by a column it divides.
    exact = (whole.abs() < EXACT_FLOATS // MICROS - MICROS) & (parts < EXACT_FLOATS // MICROS)
    near = (whole * MICROS + fraction) / (parts * MICROS)
    return pl.when(exact).then(near).otherwise((whole + fraction / (parts * 0 + MICROS)) / parts)


def _lately(correlation: Correlation, frame: pl.DataFrame, span: int) -> pl.DataFrame:
    """`group`, `tick`, `seen`, `rules`: which rules matched in the window that ends with each tick."""
    per_tick = frame.group_by("group", "tick").agg(_BITS.bitwise_or().alias("rules")).sort("group", "tick")
    here, there = pl.col("rules"), pl.lit(0, dtype=pl.Int64)
    for bit in (1 << at for at in range(len(correlation.rules))):
        last = pl.when(here & bit != 0).then(pl.col("tick")).forward_fill().over("group")
        there = there + pl.when(last > pl.col("tick") - span).then(bit).otherwise(0)
    return per_tick.with_columns(rules=there).with_columns(_HOW_MANY)


def _chains(correlation: Correlation, frame: pl.DataFrame, within: list[str]) -> pl.DataFrame:
    """`chain 0`, `chain 1` … for each instant: the latest start of a run of the first rules, in their order.

    Events of one instant stand in any order.
    """
    time = pl.col("tick") * resolution(correlation) * MICROS + pl.col("value").floordiv(1 << MAX_RULES)
    instants = frame.group_by(*within, "tick", time.alias("time")).agg(_BITS.bitwise_or().alias("rules"))
    chains = instants.sort(*within, "time")
    start = pl.col("time")
    for number, rule in enumerate(ordered(correlation)):
        bit = 1 << correlation.rules.index(rule)
        latest = pl.when(pl.col("rules") & bit != 0).then(start).cum_max().forward_fill().over(within)
        chains = chains.with_columns(latest.alias(f"chain {number}"))
        start = pl.col(f"chain {number}")
    return chains


def _distinct(frame: pl.DataFrame, span: int) -> pl.DataFrame:
    """Exact sliding distinct count: a value counts from its tick until `span` ticks after its last one.

    Each value's occurrences are joined to runs; a run adds one where it begins and takes one where it ends.
    """
    seen = frame.select("group", "value", "tick").unique().sort("group", "value", "tick")
    key = ["group", "value"]
    begins = (pl.col("tick") - pl.col("tick").shift().over(key) > span - 1).fill_null(value=True)
    ends = (pl.col("tick").shift(-1).over(key) - pl.col("tick") > span - 1).fill_null(value=True)
    steps = pl.concat(
        [
            seen.filter(begins).select("group", "tick", pl.lit(1).alias("step")),
            seen.filter(ends).select("group", pl.col("tick") + span, pl.lit(-1).alias("step")),
        ]
    )
    running = (
        steps.group_by("group", "tick")
        .agg(pl.col("step").sum())
        .sort("group", "tick")
        .select("group", "tick", pl.col("step").cum_sum().over("group").cast(pl.Float64).alias("seen"))
    )
    ticks = seen.select("group", "tick").unique()
    return (
        pl.concat([running, ticks.with_columns(pl.lit(None, dtype=pl.Float64).alias("seen"))])
        .group_by("group", "tick")
        .agg(pl.col("seen").drop_nulls().first())
        .sort("group", "tick")
        .with_columns(pl.col("seen").forward_fill().over("group"))
        .join(ticks, on=["group", "tick"], how="semi")
        .sort("group", "tick")
    )
