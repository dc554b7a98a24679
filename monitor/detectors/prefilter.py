"""The raw-text prefilter: which records can hold anything the detectors would find."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors.needles import GATES, Gate


@dataclass(frozen=True, slots=True)
class Prefilter:
    """A sound test of raw text: false only where no value or key in it could be found by the detectors.

    Sound for plain text, for JSON and for JSON inside its strings, whatever the writer escapes among non-ASCII
    characters, `@` and `" ' / < > & = +`.
    """

    gates: tuple[Gate, ...]

    def expr(self, col: pl.Expr) -> pl.Expr:
        """Boolean, never null: whether the text in the String column `col` is a candidate."""
        if not self.gates:
            return pl.lit(value=False)
        return reduce(or_, (_passes(gate, col) for gate in self.gates))


def _passes(gate: Gate, col: pl.Expr) -> pl.Expr:
    if gate.cheap:
        promising = reduce(or_, (col.str.contains(pattern) for pattern in gate.cheap))
        # Emptied rows cost nothing; the exact pattern then runs over one row in ten.
        col = pl.when(promising).then(col).otherwise(pl.lit(""))
    return col.str.contains(gate.exact).fill_null(value=False)


def prefilter(classes: tuple[str, ...]) -> Prefilter:
    """The prefilter of detector classes, `any` for all of them.

    Raises:
        KeyError: a class no detector has.
    """
    names = GATES if "any" in classes else dict.fromkeys(classes)
    return Prefilter(tuple(GATES[name] for name in names))
