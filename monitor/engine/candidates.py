"""Which records have to be taken apart at all: the prefilter, and the screen of protected values.

First the raw text says which records could hold what an atom asks for. Of those that merely have a key whose
value should be protected, the screen reads that value off the raw text; where it is protected, as most are
in a log that follows policy, the record is done with.

Both are sound: a record they pass over has no leaf that any of the atoms would find. Where the raw text is
not simple enough to say so (escapes, nested values, odd numbers), the record is let through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from monitor.detectors import prefilter
from monitor.engine.atoms import verdicts_of
from monitor.engine.plan import Atom
from monitor.frames import PATH, RAW, ROW, TEXT, EventBatch
from monitor.rules.compile import asks_absence, regex_escape
from monitor.rules.tree import Pattern, PiiTest, PlaintextTest, TextTest

_ESCAPED_ASCII = ("\\u00", "\u212a", "\\u212a", "\\u212A", "\u0130", "\\u0130")
"""An ASCII letter may hide in a JSON escape, or be the lower case of the Kelvin sign or of dotted I."""

_SAFE_PIECE = re.compile(r"[A-Za-z0-9 _.,:;=@#%&()\-]+")
"""Text that JSON encoders write as it is."""

_PAIR = r'(?i)"(?:{})"\s*:\s*(?:"(?:[^"\\\[\{{][^"\\]*)?"|-?[1-9][0-9]{{0,17}}|0|true|false|null)\s*[,}}]'
"""A wanted key with a value that the raw text shows as it is: no escape, no number that is written otherwise
when parsed, no text that may itself be JSON."""

_VALUE = r':\s*"?([^"]*?)"?\s*[,}]$'


def literals(atom: Atom) -> list[str] | None:
    """Texts of which a record that satisfies the atom holds at least one; None where nothing can be said."""
    if atom.key is not None:
        return [f'"{atom.key}"', f'"{atom.key}\\'] if _SAFE_PIECE.fullmatch(atom.key) else None
    if isinstance(atom.test, TextTest):
        piece = _longest_piece(atom.test.pattern)
        return [piece] if piece else None
    return None


def _longest_piece(pattern: Pattern) -> str:
    pieces = [p for part in pattern.parts if isinstance(part, str) for p in _SAFE_PIECE.findall(part)]
    return max(pieces, key=len, default="")


def _may_hold(atoms: Sequence[Atom], column: pl.Expr) -> pl.Expr:
    """False only where no atom can be satisfied by anything in that text."""
    needles: set[str] = set(_ESCAPED_ASCII)
    exprs: list[pl.Expr] = []
    for atom in atoms:
        found = None if asks_absence(atom.test) and atom.key is None else literals(atom)
        if found is not None:
            needles.update(found)
        elif isinstance(atom.test, PiiTest) and atom.key is None:
            exprs.append(prefilter(atom.test.detectors).expr(column))
        else:
            return pl.lit(value=True)
    if needles != set(_ESCAPED_ASCII):
        exprs.append(column.str.contains_any(sorted(needles), ascii_case_insensitive=True))
    return pl.any_horizontal(exprs).fill_null(value=False)


def candidates(atoms: Sequence[Atom], batch: EventBatch) -> pl.Series:
    """ROW (UInt32) of the regular events whose leaves have to be looked at for atoms that no path names."""
    screened = [a for a in atoms if _screenable(a)] if RAW in batch.frame.columns else []
    rest = [a for a in atoms if a not in screened]
    let_through = _prefiltered(rest, batch)
    suspects = _prefiltered(screened, batch)
    suspects = suspects.filter(~suspects.is_in(let_through.implode()))
    return pl.concat([let_through, _screen(screened, batch, suspects)]).sort()


def _screenable(atom: Atom) -> bool:
    """Only what a value is in the clear for does not depend on the path above its key."""
    asked = isinstance(atom.test, PlaintextTest) and atom.test.expected
    return asked and atom.key is not None and _SAFE_PIECE.fullmatch(atom.key) is not None


def _prefiltered(atoms: Sequence[Atom], batch: EventBatch) -> pl.Series:
    """ROW of the regular events that may hold what one of the atoms asks for."""
    if not atoms or batch.frame.is_empty():
        return pl.Series(ROW, [], dtype=pl.UInt32)
    columns = {c.rsplit(".", 1)[-1].lower(): c for c in batch.frame.columns}
    keyed = [pl.col(columns[a.key]).is_not_null() for a in atoms if a.key in columns and a.key]
    texts = [_may_hold(atoms, pl.col(c)) for c in batch.haystack]
    wanted = pl.any_horizontal([*texts, *keyed]) & ~batch.irregular
    return batch.frame.lazy().filter(wanted).select(ROW).collect()[ROW]


def _screen(atoms: Sequence[Atom], batch: EventBatch, rows: pl.Series) -> pl.Series:
    """The suspects that do hold a value in the clear, or are not simple enough to tell."""
    if rows.is_empty():
        return rows
    keys = "|".join(sorted((regex_escape(a.key or "") for a in atoms), key=len, reverse=True))
    suspects = (
        batch.frame.lazy()
        .filter(pl.col(ROW).is_in(rows.implode()))
        .select(
            ROW,
            pl.col(RAW).str.extract_all(_PAIR.format(keys)).alias("pairs"),
            pl.col(RAW).str.count_matches(f'(?i)"(?:{keys})["\\\\]').alias("keys"),
            pl.col(RAW).str.contains_any(list(_ESCAPED_ASCII)).alias("escaped"),
        )
        .collect()
    )
    simple = suspects.filter((pl.col("pairs").list.len() == pl.col("keys")) & ~pl.col("escaped"))
    pairs = simple.select(ROW, "pairs").explode("pairs").drop_nulls()
    clear = pairs.join(_in_the_clear(atoms[0], pairs["pairs"].unique()), on="pairs", how="semi")
    tangled = suspects.join(simple, on=ROW, how="anti")
    return pl.concat([clear[ROW].unique(), tangled[ROW]])


def _in_the_clear(atom: Atom, pairs: pl.Series) -> pl.DataFrame:
    """Those of the distinct raw pairs whose value satisfies the atom's test under the key alone."""
    frame = pairs.to_frame("pairs").with_columns(
        pl.col("pairs").str.extract(r'^"([^"]*)"').str.to_lowercase().alias(PATH),
        pl.col("pairs").str.extract(_VALUE).alias(TEXT),
    )
    asked = frame.filter(pl.col(TEXT).is_not_null() & (pl.col(TEXT) != "null")).with_row_index("index")
    return asked.join(verdicts_of(atom.test, asked), on="index", how="semi").select("pairs")
