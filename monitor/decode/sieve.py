"""Finds the JSON records that fail a whole block, so that the block is read without them.

`pl.read_ndjson` gives one row per line that is not blank, or fails for all of them. So: first what shows
without parsing, then blocks of lines, and line by line only in blocks that fail.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import polars as pl

from monitor.decode.leaves import dump, parse
from monitor.decode.reasons import (
    BLANK,
    NOT_AN_OBJECT,
    NOT_JSON,
    TOO_DEEP,
    TRAILING_TEXT,
    TRUNCATED,
)

BLOCK = 256
"""Lines that are tried together where the whole failed."""

_SPACE = " \t\r\n\ufeff"
_NOTHING = {"": pl.String()}


@dataclass(frozen=True, slots=True)
class Sifted:
    """What came through.

    Attributes:
        reasons: String, one per record: why it is refused, null where it is not.
        text: String, one per record: one line of JSON that `read_ndjson` takes; anything where refused.
    """

    reasons: pl.Series
    text: pl.Series


def readable(text: pl.Series) -> bool:
    """Whether `read_ndjson` takes all of these lines."""
    try:
        pl.read_ndjson(io.BytesIO(block(text)), schema=_NOTHING, ignore_errors=True)
    except pl.exceptions.ComputeError:
        return False
    return True


def block(text: pl.Series) -> bytes:
    """Lines as one block of bytes."""
    return str(text.str.join("\n").item()).encode()


def sift(text: pl.Series) -> Sifted:
    """Tell records that are JSON objects or arrays from the rest.

    Args:
        text: String without nulls; newlines inside a record count as white space.
    """
    lines = text.str.strip_chars(_SPACE).str.replace_all("\n", " ", literal=True).alias("text")
    shapes = pl.DataFrame({"text": lines}).select(
        blank=pl.col("text") == "",
        whole=(pl.col("text").str.starts_with("{") & pl.col("text").str.ends_with("}"))
        | (pl.col("text").str.starts_with("[") & pl.col("text").str.ends_with("]")),
    )
    reasons: list[str | None] = [None] * text.len()
    for row in shapes["blank"].arg_true():
        reasons[row] = BLANK
    odd = (~shapes["blank"] & ~shapes["whole"]).arg_true()
    for row, line in zip(odd, lines.gather(odd), strict=True):
        reasons[row] = _verdict(line) or NOT_AN_OBJECT
    whole = shapes["whole"].arg_true()
    texts = lines.to_list()
    if not readable(lines.gather(whole)):
        _sift_blocks(whole, texts, reasons)
    return Sifted(pl.Series("reason", reasons, dtype=pl.String), pl.Series("text", texts, dtype=pl.String))


def _sift_blocks(whole: pl.Series, texts: list[str], reasons: list[str | None]) -> None:
    """Judge rows a block at a time, writing into `texts` and `reasons`."""
    for start in range(0, whole.len(), BLOCK):
        rows = whole.slice(start, BLOCK).to_list()
        if readable(_picked(texts, rows)):
            continue
        for row in rows:
            reasons[row] = _verdict(texts[row])
        good = [row for row in rows if reasons[row] is None]
        if readable(_picked(texts, good)):
            continue
        for row in good:
            texts[row] = _mended(texts[row])
        if not readable(_picked(texts, good)):
            _sift_singly(good, texts, reasons)


def _sift_singly(rows: list[int], texts: list[str], reasons: list[str | None]) -> None:
    for row in rows:
        if not readable(_picked(texts, [row])):
            reasons[row] = NOT_JSON


def _picked(texts: list[str], rows: list[int]) -> pl.Series:
    return pl.Series([texts[row] for row in rows], dtype=pl.String)


def _verdict(line: str) -> str | None:
    """Why a line is not JSON; None where it is."""
    try:
        parse(line)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Extra data"):
            return TRAILING_TEXT
        return TRUNCATED if line[0] in "{[" and _stops_early(line, error) else NOT_JSON
    except RecursionError:
        # Deeper than the interpreter goes, but perhaps not deeper than polars does.
        return None if readable(pl.Series([line])) else TOO_DEEP
    except ValueError:
        return NOT_JSON
    return None


def _stops_early(line: str, error: json.JSONDecodeError) -> bool:
    if error.pos >= len(line) or error.msg.startswith("Unterminated string"):
        return True
    # Within the last few characters: inside a word such as `tru` or an escape such as `\\u00`.
    return line[-1] not in "}]" and error.pos + 6 >= len(line)


def _mended(line: str) -> str:
    """The same JSON in a form polars takes: numbers beyond its range as text, half surrogates replaced."""
    try:
        return dump(parse(line))
    except RecursionError:
        return line
