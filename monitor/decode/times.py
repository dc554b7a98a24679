"""Event times as people and programs write them, to microseconds UTC, a column at a time.

Each value is read by itself: the same text gives the same time whatever stands around it.
"""

from __future__ import annotations

import polars as pl

RFC3339 = "%+"
"""chrono's name for RFC 3339 with any number of fraction digits: the most frequent form, read first."""

CLF = "%d/%b/%Y:%H:%M:%S %z"
"""`17/May/2015:10:05:03 +0000`, the time of the Common Log Format."""

PATTERN = (
    r"(\d{4})[-/](\d{2})[-/](\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)"
    r"(?:[.,](\d{1,18}))?\s?(?:([Zz]|UTC|GMT)|([+-]\d{2}):?(\d{2})?)?"
)
"""ISO 8601 as logs have it: `/` for `-`, space for `T`, comma for the dot, no seconds, no zone (then UTC)."""

_NUMBER = r"^-?\d{1,25}(?:\.\d{1,20})?$"
_SYSLOG = r"^([A-Z][a-z]{2} +\d{1,2} \d{2}:\d{2}:\d{2})"

FIRST = 31_536_000_000_000
"""1971-01-01. Before it: most likely `20240101` or a counter taken for seconds."""
LAST = 7_258_118_400_000_000
"""2200-01-01."""

_MILLIS, _MICROS, _NANOS = 1e11, 1e14, 1e17


def micros(texts: pl.Series, year: int | None = None) -> pl.Series:
    """Times of a String column.

    Understood: RFC 3339 and ISO 8601; seconds, milliseconds, microseconds or nanoseconds since 1970, told
    apart by their size; the Common Log Format's; syslog's `Nov 23 08:00:00` if `year` is given, in UTC.

    Returns:
        Int64, microseconds UTC; null where the text is no time or lies outside 1971 to 2199.
    """
    found = plausible(_parsed(texts, RFC3339))
    for parse in (_iso, _number, lambda rest: _parsed(rest, CLF), lambda rest: _syslog(rest, year)):
        missing = found.is_null() & texts.is_not_null()
        if not missing.any():
            break
        rows = missing.arg_true()
        found = found.scatter(rows, plausible(parse(texts.gather(rows))))
    return found


def clf_micros(texts: pl.Series) -> pl.Series:
    """Times of a String column as access logs have them: the Common Log Format's, or else as `micros`."""
    found = plausible(_parsed(texts, CLF))
    rows = (found.is_null() & texts.is_not_null()).arg_true()
    return found if rows.is_empty() else found.scatter(rows, micros(texts.gather(rows)))


def plausible(times: pl.Series) -> pl.Series:
    """The times (Int64, microseconds) that lie within 1971 to 2199; the others null."""
    inside = times.is_between(FIRST, LAST, closed="left")
    if inside.all():
        return times
    return pl.select(pl.when(inside).then(times)).to_series()


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    times = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False, cache=False)
    return times.to_physical()


def _iso(texts: pl.Series) -> pl.Series:
    parts = texts.str.extract_groups(rf"^\s*{PATTERN}\s*$").struct.unnest()
    year, month, day, clock, fraction, _, hours, minutes = (pl.col(name) for name in parts.columns)
    seconds = pl.when(clock.str.len_bytes() == 5).then(clock + ":00").otherwise(clock)
    zone = pl.concat_str(hours, pl.lit(":"), minutes.fill_null("00")).fill_null("Z")
    text = pl.concat_str(
        year,
        pl.lit("-"),
        month,
        pl.lit("-"),
        day,
        pl.lit("T"),
        seconds,
        pl.lit("."),
        fraction.fill_null("0"),
        zone,
    )
    return _parsed(parts.select(text).to_series(), RFC3339)


def _number(texts: pl.Series) -> pl.Series:
    numbers = pl.DataFrame({"text": texts}).with_columns(
        pl.when(pl.col("text").str.contains(_NUMBER)).then(pl.col("text")).alias("text")
    )
    whole = pl.col("text").cast(pl.Int64, strict=False)
    real = pl.col("text").cast(pl.Float64, strict=False)
    # Whole numbers stay whole: nanoseconds need more digits than a float has.
    exact = (
        pl.when(real.abs() < _MILLIS)
        .then(whole * 1_000_000)
        .when(real.abs() < _MICROS)
        .then(whole * 1000)
        .when(real.abs() < _NANOS)
        .then(whole)
        .otherwise(whole // 1000)
    )
    scaled = (
        pl.when(real.abs() < _MILLIS)
        .then(real * 1e6)
        .when(real.abs() < _MICROS)
        .then(real * 1e3)
        .when(real.abs() < _NANOS)
        .then(real)
        .otherwise(real / 1e3)
    )
    return numbers.select(pl.coalesce(exact, scaled.round().cast(pl.Int64, strict=False))).to_series()


def _syslog(texts: pl.Series, year: int | None) -> pl.Series:
    if year is None:
        return texts.clear(texts.len()).cast(pl.Int64)
    dated = f"{year} " + texts.str.extract(_SYSLOG).str.replace_all(r" +", " ")
    return _parsed(dated + " +0000", "%Y %b %d %H:%M:%S %z")
