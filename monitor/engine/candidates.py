"""Which records have to be taken apart at all: the prefilter, and the screen of protected values.

First the raw text says which records could hold what an atom asks for. Of those that merely have a key whose
value should be protected, the screen reads that value off the raw text; where it is protected, as most are
in a log that follows policy, the record is done with.

Both are sound: a record they pass over has no leaf that any of the atoms would find. Where the raw text is
not simple enough to say so (escapes, nested values, odd numbers), the record is let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from monitor.engine.anchors import SAFE_TEXT, Anchor, hidden_letters, holds, key_anchor, longest_piece
from monitor.engine.atoms import verdicts_of
from monitor.engine.plan import Atom
from monitor.frames import PATH, RAW, ROW, TEXT, EventBatch
from monitor.rules.compile import regex_escape
from monitor.rules.tree import PiiTest, PlaintextTest, TextTest

_PAIR = r'(?i)"(?:{})"\s*:\s*(?:"(?:[^"\\\[\{{][^"\\]*)?"|-?[1-9][0-9]{{0,17}}|0|true|false|null)\s*[,}}]'
"""A wanted key with a value that the raw text shows as it is: no escape, no number that is written otherwise
when parsed, no text that may itself be JSON."""

_VALUE = r':\s*"?([^"]*?)"?\s*[,}]$'


def candidates(atoms: Sequence[Atom], batch: EventBatch) -> pl.Series:
    """ROW (UInt32) of the regular events whose leaves have to be looked at for atoms that no path names."""
    if not atoms or batch.frame.is_empty():
        return pl.Series(ROW, [], dtype=pl.UInt32)
    regular = batch.frame.filter(~batch.irregular)
    keyed = [a for a in atoms if a.key is not None]
    rest = _prefiltered([a for a in atoms if a.key is None], regular, batch.haystack)
    suspects = _prefiltered(keyed, regular, batch.haystack)
    screened = [a for a in keyed if _screenable(a)] if RAW in regular.columns else []
    let_through = _prefiltered([a for a in keyed if a not in screened], suspects, batch.haystack)
    found = pl.concat([rest[ROW], let_through[ROW]])
    suspects = suspects.filter(~pl.col(ROW).is_in(found.implode()))
    return pl.concat([found, _screen(screened, suspects)]).unique().sort()


def _screenable(atom: Atom) -> bool:
    """Only what a value is in the clear for does not depend on the path above its key."""
    asked = isinstance(atom.test, PlaintextTest) and atom.test.expected
    return asked and atom.key is not None and SAFE_TEXT.fullmatch(atom.key) is not None


def _anchor(atom: Atom) -> Anchor | None:
    """What a record must hold for an atom that no path names; None where nothing can be said."""
    if atom.key is not None:
        return key_anchor(atom.key)
    if isinstance(atom.test, PiiTest):
        return Anchor(detectors=frozenset(atom.test.detectors))
    piece = longest_piece(atom.test.pattern) if isinstance(atom.test, TextTest) else ""
    return Anchor(frozenset({piece})) if piece else None


def _prefiltered(atoms: Sequence[Atom], frame: pl.DataFrame, haystack: Sequence[str]) -> pl.DataFrame:
    """The events that may hold what one of the atoms asks for."""
    if not atoms:
        return frame.clear()
    columns = {c.rsplit(".", 1)[-1].lower(): c for c in frame.columns}
    keyed = [pl.col(columns[a.key]).is_not_null() for a in atoms if a.key is not None and a.key in columns]
    return frame.filter(pl.any_horizontal([*(_may_hold(atoms, pl.col(c)) for c in haystack), *keyed]))


def _may_hold(atoms: Sequence[Atom], column: pl.Expr) -> pl.Expr:
    """False only where no atom can be satisfied by anything in that text."""
    anchors = [_anchor(atom) for atom in atoms]
    if any(anchor is None for anchor in anchors):
        return pl.lit(value=True)
    return holds(reduce(or_, (a for a in anchors if a is not None)), column)


def _screen(atoms: Sequence[Atom], suspects: pl.DataFrame) -> pl.Series:
    """ROW of the suspects that do hold a value in the clear, or are not simple enough to tell."""
    if suspects.is_empty():
        return suspects[ROW]
    keys = "|".join(sorted((regex_escape(a.key or "") for a in atoms), key=len, reverse=True))
    seen = suspects.select(
        ROW,
        pl.col(RAW).str.extract_all(_PAIR.format(keys)).alias("pairs"),
        pl.col(RAW).str.count_matches(rf'(?i)"(?:{keys})["\\]').alias("keys"),
        hidden_letters(pl.col(RAW)).alias("escaped"),
    )
    simple = seen.filter((pl.col("pairs").list.len() == pl.col("keys")) & ~pl.col("escaped"))
    pairs = simple.select(ROW, "pairs").explode("pairs").drop_nulls()
    clear = pairs.join(_in_the_clear(atoms[0], pairs["pairs"].unique()), on="pairs", how="semi")
    return pl.concat([clear[ROW], seen.join(simple, on=ROW, how="anti")[ROW]])


def _in_the_clear(atom: Atom, pairs: pl.Series) -> pl.DataFrame:
    """Those of the distinct raw pairs whose value satisfies the atom's test under the key alone."""
    frame = pairs.to_frame("pairs").with_columns(
        pl.col("pairs").str.extract(r'^"([^"]*)"').str.to_lowercase().alias(PATH),
        pl.col("pairs").str.extract(_VALUE).alias(TEXT),
    )
    asked = frame.filter(pl.col(TEXT).is_not_null() & (pl.col(TEXT) != "null")).with_row_index("index")
    return asked.join(verdicts_of(atom.test, asked), on="index", how="semi").select("pairs")
