"""Atoms over leaves: tests that look for a key at any depth, through the whole record, or with a detector.

Only records that `monitor.engine.candidates` lets through are taken apart into leaves, and only distinct leaf
texts meet a detector.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from monitor.detectors import PLAINTEXT_STATES, SHIPPED, Prefilter
from monitor.engine.plan import Atom, is_detector, is_timed
from monitor.frames import KEY, PATH, ROW, TEXT, TIME, EventBatch
from monitor.rules.compile import asks_absence, catalogue_of, test_expr
from monitor.rules.tree import (
    ExistsTest,
    LookupTest,
    NullTest,
    PiiTest,
    PlaintextTest,
    StateTest,
    Test,
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

HIDDEN_KEY = "{key}"
"""Stands in a path for a key that looks like data; the key itself is the text of a leaf of its own."""


def empty_found() -> pl.DataFrame:
    """No leaf satisfied anything."""
    return pl.DataFrame(schema=FOUND)


def column_leaves(batch: EventBatch, atoms: Sequence[Atom]) -> dict[str, pl.DataFrame]:
    """Leaves (ROW, PATH, TEXT) of each atom's field, of the regular events in which it may be satisfied."""
    if batch.cells is not None:
        regular = pl.col(ROW).is_in(batch.frame.filter(~batch.irregular)[ROW].implode())
        told = {a.name: batch.cells.of(a.field or "", _may_satisfy(a, pl.col(TEXT))) for a in atoms}
        kept = {name: leaves.filter(regular) for name, leaves in told.items() if not leaves.is_empty()}
        found = {name: leaves for name, leaves in kept.items() if not leaves.is_empty()}
        timed = {a.name for a in atoms if is_timed(a.test)}
        return {name: with_times(found[name], batch) if name in timed else found[name] for name in found}
    by_field: dict[str, list[Atom]] = {}
    for atom in atoms:
        by_field.setdefault(atom.field or "", []).append(atom)
    everywhere = _prefilter(atoms)
    wanted = batch.frame.select(
        (_any_may_satisfy(asked, everywhere, pl.col(field)) & ~batch.irregular).alias(field)
        for field, asked in by_field.items()
    )
    leaves = {
        field: batch.frame.filter(wanted[field]).select(
            ROW, pl.lit(field).alias(PATH), pl.col(field).alias(TEXT), TIME
        )
        for field in by_field
        if wanted[field].any()
    }
    return {a.name: leaves[field] for field, asked in by_field.items() if field in leaves for a in asked}


def _prefilter(atoms: Sequence[Atom]) -> Prefilter:
    """That of every detector class that is asked of some field."""
    tests = [a.test for a in atoms if isinstance(a.test, PiiTest)]
    catalogue = catalogue_of(tests[0]) if tests else SHIPPED
    return catalogue.prefilter(name for test in tests for name in test.detectors)


def _any_may_satisfy(atoms: Sequence[Atom], everywhere: Prefilter, column: pl.Expr) -> pl.Expr:
    """Whether one of several atoms of a field may be satisfied.

    Where the field is asked for several detectors it is scanned once for all classes that any field is
    asked for, `everywhere`: the patterns are then the same for every field, and few. polars keeps 32
    compiled regular expressions a thread and compiles the others anew for each batch.
    """
    asked = [a for a in atoms if isinstance(a.test, PiiTest)]
    if len(asked) < 2:
        return pl.any_horizontal([_may_satisfy(a, column) for a in atoms])
    named = any(re.search(f"(?i:{one.words})", atoms[0].field or "") for one in everywhere.gates if one.words)
    # Where the name of the field says nothing, the text has to hold the word that some detectors need.
    scanned = everywhere.expr(column) if named else everywhere.records(column)
    return pl.any_horizontal([scanned, *(_may_satisfy(a, column) for a in atoms if a not in asked)])


def _may_satisfy(atom: Atom, column: pl.Expr) -> pl.Expr:
    if isinstance(atom.test, PiiTest):
        return catalogue_of(atom.test).prefilter(atom.test.detectors).expr(column)
    if isinstance(atom.test, LookupTest):
        return test_expr(at_any_time(atom.test), column)
    return column.is_not_null()


def at_any_time(test: Test) -> Test:
    """The test itself; a lookup that depends on the time as one that does not."""
    return replace(test, always=True) if isinstance(test, LookupTest) else test


def leaves_for(atoms: Sequence[Atom], batch: EventBatch, rows: pl.Series) -> pl.DataFrame:
    """The LEAVES frame of some rows, with the events' TIME where one of the atoms depends on it."""
    leaves = batch.leaves(rows)
    return with_times(leaves, batch) if any(is_timed(a.test) for a in atoms) else leaves


def with_times(leaves: pl.DataFrame, batch: EventBatch) -> pl.DataFrame:
    """The leaves with the TIME of their events."""
    return leaves.join(batch.frame.select(ROW, TIME), on=ROW, how="left", maintain_order="left")


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


def satisfied_keys(atoms: Sequence[Atom], leaves: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """FOUND per key atom that anything satisfies; those that ask the same of several keys share one pass."""
    by_test: dict[Test, list[Atom]] = {}
    for atom in atoms:
        by_test.setdefault(atom.test, []).append(atom)
    found: dict[str, pl.DataFrame] = {}
    every = pl.Series([a.key for a in atoms], dtype=pl.String).implode()
    keyed = leaves.filter(pl.col(TEXT).is_not_null() & pl.col(KEY).is_in(every))
    for group in by_test.values():
        if keyed.is_empty():
            break
        mine = keyed.filter(keyed[KEY].is_in([a.key for a in group]))
        held = satisfied(group[0], mine)
        if held.is_empty():
            continue
        joined = held.join(mine.select(ROW, PATH, KEY).unique(), on=[ROW, PATH])
        parts = {str(key): part for (key,), part in joined.partition_by(KEY, as_dict=True).items()}
        found |= {a.name: parts[a.key].drop(KEY) for a in group if a.key in parts}
    return found


def satisfied(atom: Atom, leaves: pl.DataFrame) -> pl.DataFrame:
    """The FOUND rows among selected leaves. For a test of absence: the leaves that prove it wrong.

    A lookup that depends on the time needs leaves with TIME, see `leaves_for`.
    """
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


def _detected(test: PiiTest | PlaintextTest | StateTest, leaves: pl.DataFrame) -> pl.DataFrame:
    """Run a detector over the distinct (path, text) pairs and join what it says back."""
    if isinstance(test, PiiTest):
        leaves = leaves.filter(catalogue_of(test).prefilter(test.detectors).expr(pl.col(TEXT)))
    distinct = leaves.select(PATH, TEXT).unique(maintain_order=True).with_row_index("index")
    if distinct.is_empty():
        return empty_found()
    verdicts = verdicts_of(test, distinct)
    joined = leaves.select(ROW, PATH, TEXT).join(distinct.join(verdicts, on="index"), on=[PATH, TEXT])
    return joined.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items())


def verdicts_of(test: PiiTest | PlaintextTest | StateTest, distinct: pl.DataFrame) -> pl.DataFrame:
    """`index`, detector, state, steps, start, end of the distinct values that satisfy the test."""
    values, paths = distinct[TEXT], distinct[PATH]
    if isinstance(test, PiiTest):
        found = catalogue_of(test).find(values, test.detectors, paths, personal=True)
        return found.filter(pl.col("state").is_in(DISCLOSED))
    verdicts = catalogue_of(test).classify(values, paths).with_row_index("index")
    if isinstance(test, StateTest):
        kept = pl.col("state").is_in(test.states)
    else:
        plain = pl.col("state").is_in(sorted(PLAINTEXT_STATES))
        kept = plain if test.expected else ~plain & (pl.col("state") != "absent")
    none = pl.lit(None, dtype=pl.Int64)
    return verdicts.filter(kept).with_columns(start=none, end=none)
