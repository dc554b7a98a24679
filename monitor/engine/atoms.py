"""Atoms over leaves: tests that look for a key at any depth, through the whole record, or with a detector.

First the raw text says which records could hold anything at all (the prefilter), then only those records are
taken apart into leaves, then only distinct leaf texts meet a detector. The prefilter is sound: a record it
passes over has no leaf that any of the atoms would find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from monitor.detectors import PLAINTEXT_STATES, classify, find, prefilter
from monitor.engine.plan import Atom, is_detector
from monitor.frames import KEY, PATH, ROW, TEXT, EventBatch
from monitor.rules.compile import asks_absence, test_expr
from monitor.rules.tree import (
    ExistsTest,
    NullTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    StateTest,
    Test,
    TextTest,
)

DISCLOSED = ("raw", "encoded")
"""States in which `|pii` counts an item."""

FOUND: dict[str, pl.DataType] = {
    ROW: pl.UInt32(),
    PATH: pl.String(),
    TEXT: pl.String(),
    "detector": pl.String(),
    "state": pl.String(),
    "steps": pl.String(),
    "start": pl.Int64(),
    "end": pl.Int64(),
}
"""One row per leaf (per item found in it) that satisfied an atom. TEXT never leaves the engine."""

_ESCAPED_ASCII = ("\\u00", "\u212a", "\\u212a", "\\u212A", "\u0130", "\\u0130")
"""An ASCII letter may hide in a JSON escape, or be the lower case of the Kelvin sign or of dotted I."""

_SAFE_PIECE = re.compile(r"[A-Za-z0-9 _.,:;=@#%&()\-]+")
"""Text that JSON encoders write as it is."""


HIDDEN_KEY = "{key}"
"""Stands in a path for a key that looks like data; the key itself is the text of a leaf of its own."""


def empty_found() -> pl.DataFrame:
    """No leaf satisfied anything."""
    return pl.DataFrame(schema=FOUND)


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
    if not atoms or batch.frame.is_empty():
        return pl.Series(ROW, [], dtype=pl.UInt32)
    columns = {c.rsplit(".", 1)[-1].lower(): c for c in batch.frame.columns}
    keyed = [pl.col(columns[a.key]).is_not_null() for a in atoms if a.key in columns and a.key]
    texts = [_may_hold(atoms, pl.col(c)) for c in batch.haystack]
    wanted = pl.any_horizontal([*texts, *keyed]) & ~batch.irregular
    return batch.frame.lazy().filter(wanted).select(ROW).collect()[ROW]


def column_leaves(batch: EventBatch, field: str) -> pl.DataFrame:
    """Leaves (ROW, PATH, TEXT) of one projected field, of the regular events that have it."""
    return (
        batch.frame.lazy()
        .filter(pl.col(field).is_not_null() & ~batch.irregular)
        .select(ROW, pl.lit(field).alias(PATH), pl.col(field).alias(TEXT))
        .collect()
    )


def select_leaves(atom: Atom, leaves: pl.DataFrame, aliases: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """The leaves that the atom is about."""
    if atom.field is None and not is_detector(atom.test):
        return leaves  # keys of nulls are searched as well
    present = pl.col(TEXT).is_not_null()
    if atom.field is None:
        return leaves.filter(present)
    present &= pl.col(KEY) != ""  # the leaves that are keys themselves
    if atom.key is not None:
        return leaves.filter(present & (pl.col(KEY) == atom.key))
    names = (atom.field, *aliases.get(atom.field, ()))
    here = pl.col(PATH).is_in(names)
    if isinstance(atom.test, NullTest | ExistsTest):  # an object with anything in it is there as well
        here = pl.any_horizontal([here, *(pl.col(PATH).str.starts_with(f"{name}.") for name in names)])
    return leaves.filter(present & here)


def satisfied(atom: Atom, leaves: pl.DataFrame) -> pl.DataFrame:
    """The FOUND rows among selected leaves. For a test of absence: the leaves that prove it wrong."""
    test = atom.test
    if leaves.is_empty():
        return empty_found()
    if is_detector(test):
        return _detected(test, leaves)
    holds = pl.lit(value=True) if asks_absence(test) else test_expr(test, pl.col(TEXT))
    if atom.field is None:
        holds |= test_expr(test, pl.col(PATH).str.replace_all(HIDDEN_KEY, "", literal=True))
    kept = leaves.filter(holds).select(ROW, PATH, TEXT)
    return pl.concat([empty_found(), kept], how="diagonal")


def _detected(test: Test, leaves: pl.DataFrame) -> pl.DataFrame:
    """Run a detector over the distinct (path, text) pairs and join what it says back."""
    if isinstance(test, PiiTest):
        leaves = leaves.filter(prefilter(test.detectors).expr(pl.col(TEXT)))
    distinct = leaves.select(PATH, TEXT).unique(maintain_order=True).with_row_index("index")
    if distinct.is_empty():
        return empty_found()
    verdicts = _verdicts(test, distinct)
    joined = leaves.select(ROW, PATH, TEXT).join(distinct.join(verdicts, on="index"), on=[PATH, TEXT])
    return joined.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items())


def _verdicts(test: Test, distinct: pl.DataFrame) -> pl.DataFrame:
    """`index`, detector, state, steps, start, end of the distinct values that satisfy the test."""
    values, paths = distinct[TEXT], distinct[PATH]
    if isinstance(test, PiiTest):
        return find(values, test.detectors, paths).filter(pl.col("state").is_in(DISCLOSED))
    verdicts = classify(values, paths).with_row_index("index")
    if isinstance(test, StateTest):
        kept = pl.col("state").is_in(test.states)
    else:
        plain = pl.col("state").is_in(sorted(PLAINTEXT_STATES))
        expected = isinstance(test, PlaintextTest) and test.expected
        kept = plain if expected else ~plain & (pl.col("state") != "absent")
    none = pl.lit(None, dtype=pl.Int64)
    return verdicts.filter(kept).with_columns(start=none, end=none)
