"""The raw-text prefilter: which records can hold anything the detectors would find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors.gate import WORDS, Gate


@dataclass(frozen=True, slots=True)
class Prefilter:
    """A sound test of raw text: false only where no value or key in it could be found by the detectors.

    Sound for plain text, for JSON and for JSON inside its strings, whatever the writer escapes among
    non-ASCII characters, `@` and `" ' / < > & = +`. What is nobody's may be passed over.
    """

    gates: tuple[Gate, ...]

    def expr(self, col: pl.Expr) -> pl.Expr:
        """Boolean, never null: whether the text in the String column `col` is a candidate, in any field."""
        return _or(passes(gates, col) for gates in together(self.gates))

    def records(self, col: pl.Expr) -> pl.Expr:
        """The same of whole records, in which the names of the fields stand as well: words are asked for too.

        Sound where ASCII letters are written as they are.
        """
        return _or(test for gates in together(self.gates) for test in _records(gates, col))

    @property
    def patterns(self) -> list[str]:
        """Regexes, one of which matches wherever `expr` or `records` is true, and now and then elsewhere."""
        return list(dict.fromkeys(p for gate in self.gates for p in gate.cheap or (gate.exact,)))


def _or(tests: Iterable[pl.Expr]) -> pl.Expr:
    told = list(tests)
    return reduce(or_, told).fill_null(value=False) if told else pl.lit(value=False)


def together(gates: Iterable[Gate]) -> list[list[Gate]]:
    """The gates by the scan they share, those with one of their own alone."""
    shared: dict[object, list[Gate]] = {}
    for gate in gates:
        shared.setdefault(gate.scan or id(gate), []).append(gate)
    return list(shared.values())


def passes(gates: Sequence[Gate], col: pl.Expr, *, personal: bool = True) -> pl.Expr:
    """Whether one of the gates of one scan matches; null of null.

    `personal`: what is nobody's need not pass.
    """
    if len(gates) == 1 and gates[0].cheap:
        return _staged(gates[0], col)
    return col.str.contains("|".join(dict.fromkeys(g.personal if personal else g.exact for g in gates)))


def words_of(gates: Iterable[Gate]) -> str:
    """The pattern of the words of any of the gates, as JSON may spell them."""
    words = dict.fromkeys(_as_written(gate.words) for gate in gates if gate.words)
    return f"(?i:{'|'.join(words)})"


def _records(gates: Sequence[Gate], col: pl.Expr) -> Iterator[pl.Expr]:
    plain, worded = [g for g in gates if not g.words], [g for g in gates if g.words]
    if plain:
        yield passes(plain, col)
    if worded and worded[0].scan == WORDS:
        yield passes(worded, _where(col.str.contains(words_of(worded)), col))
    elif worded:
        yield _where(passes(worded, col), col).str.contains(words_of(worded))


def _where(test: pl.Expr, col: pl.Expr) -> pl.Expr:
    # Emptied rows cost nothing: the second pattern runs over the few that are left.
    return pl.when(test).then(col).otherwise(pl.lit(""))


def _as_written(words: str) -> str:
    """The words as JSON may spell them: a letter beyond ASCII may be an escape."""
    return words if words.isascii() else rf"{words}|\\u0[0-9a-fA-F]"


def _staged(gate: Gate, col: pl.Expr) -> pl.Expr:
    promising = reduce(or_, (col.str.contains(pattern) for pattern in gate.cheap))
    return _where(promising, col).str.contains(gate.exact)
