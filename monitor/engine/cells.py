"""Which rows of a table have to be taken apart: its columns are asked, distinct value by distinct value.

Exact for scalars. A text that may be JSON, and a list of anything but scalars, is searched as text like a
record (`monitor.engine.candidates`), so the rows given are at least those that hold something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

import polars as pl

from monitor.engine.anchors import Anchor, hidden_letters, holds, key_anchor
from monitor.engine.atoms import at_any_time, satisfied, satisfied_keys
from monitor.engine.plan import Atom, is_detector
from monitor.frames import NESTED, PATH, ROW, TEXT, Cells
from monitor.rules.compile import asks_absence, catalogue_of, test_expr
from monitor.rules.tree import PiiTest


def rows_in_cells(atoms: Sequence[Atom], cells: Cells) -> pl.Series:
    """ROW (UInt32) of rows that may satisfy one of the atoms, none of which names a path."""
    # A lookup that depends on the time may hold where the text is in its table at whatever time.
    keyed = [replace(a, test=at_any_time(a.test)) for a in atoms if a.key is not None]
    found = [pl.Series(ROW, [], dtype=pl.UInt32)]
    found += [_anywhere(atom, cells) for atom in atoms if atom.key is None]
    if keyed:
        under = cells.under({a.key or "" for a in keyed})
        found += [leaves[ROW] for leaves in satisfied_keys(keyed, under).values()]
        found.append(_nested_under(keyed, cells))
    return pl.concat(found).unique()


def _anywhere(atom: Atom, cells: Cells) -> pl.Series:
    """ROW of what one atom that asks the whole row is satisfied by."""
    text, inside, always = pl.col(TEXT), pl.col(NESTED), pl.lit(value=True)
    if isinstance(atom.test, PiiTest):
        leaves = cells.search(catalogue_of(atom.test).prefilter(atom.test.detectors).expr(text))
        hidden = cells.search(hidden_letters(text), nested=True)
        return pl.concat([leaves.filter(inside)[ROW], hidden[ROW], satisfied(atom, leaves)[ROW]])
    if is_detector(atom.test):
        return cells.search(always)[ROW]
    wanted = always if asks_absence(atom.test) else test_expr(atom.test, text)
    found = cells.search(wanted)[ROW], cells.search(always, nested=True)[ROW]
    return pl.concat([*found, cells.at(test_expr(atom.test, pl.col(PATH)))])


def _nested_under(atoms: Sequence[Atom], cells: Cells) -> pl.Series:
    """ROW of the cells that may be JSON with one of the keys in it."""
    anchors = [key_anchor(a.key or "") for a in atoms]
    if any(anchor is None for anchor in anchors):
        return cells.search(pl.lit(value=True), nested=True)[ROW]
    anchor = reduce(or_, (a for a in anchors if a is not None), Anchor())
    return cells.search(holds(anchor, pl.col(TEXT)), nested=True)[ROW]
