"""Which records have to be taken apart at all: the prefilter, and the screen of protected values.

First the raw text says which records could hold what an atom asks for. Of those that merely have a key whose
value should be protected, or something like an address, the screens read the value off the raw text; where it
is protected or no address, as most are in a log that follows policy, the record is done with.

All are sound: a record they pass over has no leaf that any of the atoms would find. Where the raw text is
not simple enough to say so (escapes, nested values, odd numbers), the record is let through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors import HASHED_WEAK, NOT_PERSONAL, SHIPPED, Catalogue
from monitor.engine.anchors import (
    HIDDEN_LETTERS,
    SAFE_TEXT,
    Anchor,
    holds,
    key_anchor,
    longest_word,
    writable,
)
from monitor.engine.atoms import DISCLOSED, verdicts_of
from monitor.engine.cells import rows_in_cells
from monitor.engine.plan import Atom, is_detector
from monitor.frames import PATH, RAW, ROW, SEARCHED, TEXT, EventBatch
from monitor.rules.compile import catalogue_of, regex_escape
from monitor.rules.tree import PiiTest, PlaintextTest, StateTest, Test, TextTest

_PAIR = (
    r'"(?:{})"\s*:\s*(?:"(?:(?:[^"\\\[\{{]|\[(?-i:[A-Z*]))[^"\\]*)?"'
    r"|-?[1-9][0-9]{{0,17}}|0|true|false|null)\s*[,}}]"
)
"""A wanted key with a value that the raw text shows as it is: no escape, no number that is written otherwise
when parsed, no text that may itself be JSON (`[REDACTED]` is none)."""

_VALUE = rf'^"(?P<{PATH}>[^"]*)"\s*:\s*"?(?P<{TEXT}>[^"]*?)"?\s*[,}}]$'
"""A pair as its key and its value."""

_STRING = r'"[^"]*"'
"""A key or a text of a record without escapes."""

_PATHLESS_STATES = frozenset({HASHED_WEAK})
"""States that a value has or has not whatever the name of its field."""

_PATHLESS_DETECTORS = frozenset({"email"})
"""Detectors to which the name of a field only says that something is no finding, or is a User-Agent."""


def candidates(atoms: Sequence[Atom], batch: EventBatch) -> pl.Series:
    """ROW (UInt32) of the regular events whose leaves have to be looked at for atoms that no path names."""
    if not atoms or batch.frame.is_empty():
        return pl.Series(ROW, [], dtype=pl.UInt32)
    regular = batch.frame.filter(~batch.irregular)
    if batch.cells is not None:
        rows = rows_in_cells(atoms, batch.cells)
        return rows.filter(rows.is_in(regular[ROW].implode()))
    sifted = SEARCHED in regular.columns
    regular = regular.filter(SEARCHED) if sifted else regular
    keyed, others = [a for a in atoms if a.key is not None], [a for a in atoms if a.key is None]
    # Most of what was sifted has one of the keys, and the screen sees that as quickly.
    near = regular if sifted and keyed else _prefiltered(keyed, regular, batch.haystack)
    far = _prefiltered(others, regular, batch.haystack)
    return pl.concat(
        [
            _judged(keyed, near, batch, _key_screenable, _screen_keys),
            _judged(others, far, batch, _text_screenable, _screen_texts),
        ]
    ).unique()


def _judged(
    atoms: Sequence[Atom],
    suspects: pl.DataFrame,
    batch: EventBatch,
    screenable: Callable[[Atom], bool],
    screen: Callable[[Sequence[Atom], pl.DataFrame], pl.Series],
) -> pl.Series:
    """ROW of the suspects that may hold what the atoms ask for, those screened that can be."""
    screened = [a for a in atoms if batch.json and screenable(a)]
    rest = [a for a in atoms if not (batch.json and screenable(a))]
    let_through = _prefiltered(rest, suspects, batch.haystack)[ROW]
    if rest:
        suspects = suspects.filter(~pl.col(ROW).is_in(let_through.implode()))
    if not screened or suspects.is_empty():
        return let_through
    return pl.concat([let_through, screen(screened, suspects)])


def _key_screenable(atom: Atom) -> bool:
    """Only what a value is in the clear for does not depend on the path above its key."""
    match atom.test:
        case PlaintextTest(expected):
            pathless = expected
        case StateTest(states):
            pathless = _PATHLESS_STATES.issuperset(states)
        case _:
            pathless = False
    return pathless and atom.key is not None and SAFE_TEXT.fullmatch(atom.key) is not None


def _text_screenable(atom: Atom) -> bool:
    return isinstance(atom.test, PiiTest) and _PATHLESS_DETECTORS.issuperset(atom.test.detectors)


def _anchor(atom: Atom) -> Anchor | None:
    """What a record must hold for an atom that no path names; None where nothing can be said."""
    if atom.key is not None:
        return key_anchor(atom.key)
    if isinstance(atom.test, PiiTest):
        return Anchor(detectors=frozenset(atom.test.detectors), catalogue=catalogue_of(atom.test))
    word = longest_word(atom.test.pattern) if isinstance(atom.test, TextTest) else ""
    return Anchor(frozenset({word})) if writable(word) else None


def _prefiltered(atoms: Sequence[Atom], frame: pl.DataFrame, haystack: Sequence[str]) -> pl.DataFrame:
    """The events that may hold what one of the atoms asks for."""
    if not atoms:
        return frame.clear()
    return frame.filter(pl.any_horizontal([_may_hold(atoms, pl.col(c)) for c in haystack]))


def _may_hold(atoms: Sequence[Atom], column: pl.Expr) -> pl.Expr:
    """False only where no atom can be satisfied by anything in that text."""
    anchors = [_anchor(atom) for atom in atoms]
    if any(anchor is None for anchor in anchors):
        return pl.lit(value=True)
    return holds(reduce(or_, (a for a in anchors if a is not None)), column, whole=True)


def _screen_texts(atoms: Sequence[Atom], suspects: pl.DataFrame) -> pl.Series:
    """ROW of the suspects in a text of which something is found, or that have escapes."""
    plain = suspects.filter(~pl.col(RAW).str.contains("\\", literal=True))
    texts = plain.select(ROW, pl.col(RAW).str.extract_all(_STRING).alias(TEXT)).explode(TEXT)
    detectors = tuple(sorted({name for a in atoms for name in _detectors(a)}))
    catalogue = next((catalogue_of(a.test) for a in atoms if isinstance(a.test, PiiTest)), SHIPPED)
    gate = catalogue.prefilter(detectors).expr(pl.col(TEXT))
    distinct = texts[TEXT].unique().to_frame().filter(gate)[TEXT]
    found = texts.filter(pl.col(TEXT).is_in(_disclosing(catalogue, distinct, detectors).implode()))
    return pl.concat([found[ROW], suspects.filter(~pl.col(ROW).is_in(plain[ROW].implode()))[ROW]])


def _detectors(atom: Atom) -> tuple[str, ...]:
    return atom.test.detectors if isinstance(atom.test, PiiTest) else ()


def _disclosing(catalogue: Catalogue, texts: pl.Series, detectors: tuple[str, ...]) -> pl.Series:
    """Those of the quoted texts in which something is disclosed in a field of some name."""
    found = catalogue.find(texts.str.slice(1, texts.str.len_chars() - 2), detectors)
    # Between quotes that a decoding uncovers the detector may see a robot, in a User-Agent it might not.
    unsure = (pl.col("state") == NOT_PERSONAL) & (pl.col("steps") != "")
    return texts.gather(found.filter(pl.col("state").is_in(DISCLOSED) | unsure)["index"].unique())


def _screen_keys(atoms: Sequence[Atom], suspects: pl.DataFrame) -> pl.Series:
    """ROW of the suspects that do hold such a value, or are not simple enough to tell."""
    keys = _keys(atoms)
    hidden = suspects[RAW].str.contains(HIDDEN_LETTERS)
    wanted = rf'(?i:{_PAIR.format(keys)})|(?i:[".](?:{keys})["\\])'
    found = suspects.filter(~hidden).select(ROW, pl.col(RAW).str.extract_all(wanted).alias("pairs"))
    pairs = found.explode("pairs").drop_nulls()
    # A key without a value that shows as it is stands alone.
    last = pairs["pairs"].str.slice(-1)
    odd = pairs[ROW].filter(last.is_in(['"', "\\"]))
    pairs = pairs.filter(~pl.col(ROW).is_in(odd.implode()))
    by_test: dict[Test, list[Atom]] = {}
    for atom in atoms:
        by_test.setdefault(atom.test, []).append(atom)
    distinct = _values(pairs["pairs"].unique())
    detecting = ((test, group) for test, group in by_test.items() if is_detector(test))
    satisfying = [_satisfying(test, group, distinct) for test, group in detecting]
    clear = pl.concat([distinct["pairs"].clear(), *satisfying])
    clear = pairs[ROW].filter(pairs["pairs"].is_in(clear.implode()))
    return pl.concat([clear, odd, suspects.filter(hidden)[ROW]])


def _keys(atoms: Sequence[Atom]) -> str:
    """Regex of the keys of the atoms."""
    return "|".join(sorted({regex_escape(a.key or "") for a in atoms}, key=lambda k: (-len(k), k)))


def _values(pairs: pl.Series) -> pl.DataFrame:
    """The raw pairs, their keys in lower case as PATH, their values as TEXT; those without one left out."""
    found = pairs.str.extract_groups(_VALUE).struct.unnest()
    frame = pl.DataFrame([pairs.alias("pairs"), found[PATH].str.to_lowercase(), found[TEXT]])
    return frame.filter(pl.col(TEXT) != "null")


def _satisfying(
    test: PiiTest | PlaintextTest | StateTest, atoms: Sequence[Atom], pairs: pl.DataFrame
) -> pl.Series:
    """Those of the distinct pairs with the key of an atom whose value satisfies the test under it."""
    mine = pairs[PATH].is_in([(a.key or "").lower() for a in atoms])
    asked = pairs.filter(mine).with_row_index("index")
    if asked.is_empty():
        return asked["pairs"]
    return asked.join(verdicts_of(test, asked), on="index", how="semi")["pairs"]
