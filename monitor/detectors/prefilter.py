"""The raw-text prefilter: which records can hold anything the detectors would find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors.gate import Gate
from monitor.detectors.registry import GATES, expand


@dataclass(frozen=True, slots=True)
class Prefilter:
    """A sound test of raw text: false only where no value or key in it could be found by the detectors.

    Sound for plain text, for JSON and for JSON inside its strings, whatever the writer escapes among
    non-ASCII characters, `@` and `" ' / < > & = +`.
    """

    gates: tuple[Gate, ...]

    def expr(self, col: pl.Expr) -> pl.Expr:
        """Boolean, never null: whether the text in the String column `col` is a candidate, in any field."""
        return self._any(col, self.gates)

    def records(self, col: pl.Expr) -> pl.Expr:
        """The same of whole records, in which the names of the fields stand as well: words are asked for too.

        Sound where ASCII letters are written as they are.
        """
        plain = [gate for gate in self.gates if not gate.words]
        worded = [gate for gate in self.gates if gate.words]
        if not worded:
            return self._any(col, plain)
        words = "|".join(dict.fromkeys(_as_written(gate.words) for gate in worded))
        named = pl.when(col.str.contains(f"(?i:{words})")).then(col).otherwise(pl.lit(""))
        found = self._any(named, worded)
        return self._any(col, plain) | found if plain else found

    def _any(self, col: pl.Expr, gates: Sequence[Gate]) -> pl.Expr:
        if not gates:
            return pl.lit(value=False)
        # Gates without a fast pattern share one scan.
        slow = "|".join(dict.fromkeys(gate.exact for gate in gates if not gate.cheap))
        scans = [_staged(gate, col) for gate in gates if gate.cheap]
        scans += [col.str.contains(slow)] if slow else []
        return reduce(or_, scans).fill_null(value=False)


def _as_written(words: str) -> str:
    """The words as JSON may spell them: a letter beyond ASCII may be an escape."""
    return words if words.isascii() else rf"{words}|\\u0[0-9a-fA-F]"


def _staged(gate: Gate, col: pl.Expr) -> pl.Expr:
    promising = reduce(or_, (col.str.contains(pattern) for pattern in gate.cheap))
    # Emptied rows cost nothing: the exact pattern runs over the one row in ten that is left.
    return pl.when(promising).then(col).otherwise(pl.lit("")).str.contains(gate.exact)


def prefilter(classes: tuple[str, ...]) -> Prefilter:
    """The prefilter of detector classes or groups of them.

    Raises:
        KeyError: a name that is neither.
    """
    return Prefilter(tuple(GATES[name] for name in expand(classes)))
