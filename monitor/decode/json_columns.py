"""Columns out of lines of JSON: one String column per dotted path, read by one `pl.read_ndjson`.

A path can be spelled in several ways (`{"user": {"name": …}}`, `{"user.name": …}`). The nested spelling is
read in the first pass; rows that show signs of another one, and only those, are read a second time.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import polars as pl

from monitor.decode.fields import leading_text, maybe_nested, nested
from monitor.decode.sieve import block
from monitor.frames import RAW

IRREGULAR = "__irregular"

Tree: TypeAlias = "dict[str, Tree]"

_ESCAPED_KEY = r'\\u[0-9a-fA-F]{4}(?:[^"\\]|\\.)*"\s*:'
_SIMPLE = re.compile(r"[A-Za-z0-9_.@-]*")
_PARENT, _LITERAL = "p:", "l:"


@dataclass(frozen=True)
class JsonColumns:
    """Reads the columns of some paths, and tells which rows they do not fully hold.

    Args:
        paths: dotted paths of events.
        fields: the paths where an object makes a row irregular.
        times: dotted paths of event times; what they hold makes no row irregular.
        leading: those of `paths` of whose values only the first counts.
    """

    paths: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    times: tuple[str, ...] = ()
    leading: frozenset[str] = frozenset()

    @cached_property
    def every(self) -> tuple[str, ...]:
        """All paths, each once."""
        return tuple(dict.fromkeys((*self.paths, *self.times)))

    @cached_property
    def tree(self) -> Tree:
        """The paths as nested dictionaries; a leaf is empty."""
        tree: Tree = {}
        for path in self.every:
            node = tree
            for name in path.split("."):
                node = node.setdefault(name, {})
        return tree

    @cached_property
    def _schema(self) -> dict[str, pl.DataType]:
        return {name: _dtype(below) for name, below in self.tree.items()} or {"": pl.String()}

    @cached_property
    def _parents(self) -> tuple[tuple[str, ...], ...]:
        """Paths, as names, of which something deeper is wanted; shortest first."""
        return _prefixes(self.every)

    @cached_property
    def _telling(self) -> frozenset[tuple[str, ...]]:
        """Those parents whose being no object may make a row irregular."""
        return frozenset(_prefixes(self.paths))

    @cached_property
    def _dotted(self) -> tuple[str, ...]:
        return tuple(path for path in self.every if "." in path)

    @cached_property
    def _partly_dotted(self) -> tuple[str, ...]:
        """Keys that would spell two or more, but not all, neighbouring names of a path."""
        first: set[str] = set()
        later: set[str] = set()
        for path in self.paths:
            names = path.split(".")
            first |= {".".join(names[:end]) for end in range(2, len(names))}
            for start in range(1, len(names)):
                later |= {".".join(names[start:end]) for end in range(start + 2, len(names) + 1)}
        # A first part that is wanted itself is read as one key, and shows as an object there.
        return tuple(sorted(first.difference(self._dotted) | later))

    @cached_property
    def _dotted_hint(self) -> str:
        """Regex that every key with a dot that spells part of a path matches."""
        last = sorted({name for path in self._dotted for name in path.split(".")[1:]})
        return r"\.(?:" + "|".join(map(re.escape, last)) + ')"'

    @cached_property
    def _escape(self) -> str:
        """What a record must hold if a key of ours is spelled with escapes in it."""
        return "\\u00" if all(_SIMPLE.fullmatch(path) for path in self.every) else "\\"

    def read(self, lines: bytes) -> pl.DataFrame:
        """First pass: the schema's columns, structs still whole.

        Raises:
            pl.exceptions.ComputeError: some line is not JSON.
        """
        # An array where an object is wanted is an error unless errors are ignored; broken JSON still is one.
        return pl.read_ndjson(io.BytesIO(lines), schema=self._schema, ignore_errors=True)

    def columns(self, read: pl.DataFrame, lines: pl.Series, raw: pl.Series) -> pl.DataFrame:
        """Second step: a String column per path, and IRREGULAR (Boolean).

        Args:
            read: what `read` gave.
            lines: String, the same lines, for reading some of them again.
            raw: String, the records as they came; other spellings are looked for in them.
        """
        signs = read.hstack([raw.alias(RAW)])
        told = (*map(self._leaf, self.every), self._odd_objects().alias(IRREGULAR))
        frame = read.with_columns(told).select(*self.every, IRREGULAR)
        again, irregular = self._other_spellings(signs)
        if not irregular.is_empty():
            frame = _put(frame, irregular, {IRREGULAR: pl.repeat(value=True, n=irregular.len(), eager=True)})
        if not again.is_empty():
            frame = self._read_again(frame, again, read, lines)
        return self._without_nested(frame)

    def _leaf(self, path: str) -> pl.Expr:
        names = path.split(".")
        # Where something deeper is wanted too, a text can only be found by reading again.
        return (pl.lit(None, pl.String()) if tuple(names) in self._parents else _at(names)).alias(path)

    def _odd_objects(self) -> pl.Expr:
        """Rows in which a wanted field is an object, because deeper fields are wanted too."""
        odd = [_at(names).is_not_null() for names in self._parents if ".".join(names) in self.fields]
        return pl.any_horizontal(odd) if odd else pl.lit(value=False)

    def _other_spellings(self, signs: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Row numbers (to read again, irregular in any case), found by a cheap look first."""
        absent = self._absent(signs)
        rows = self._hinted(signs, absent)
        if rows.is_empty():
            return rows, rows
        judged = signs[rows].select(again=self._again(absent), irregular=self._irregular(absent))
        return rows.filter(judged["again"]), rows.filter(judged["irregular"])

    def _hinted(self, signs: pl.DataFrame, absent: Sequence[tuple[str, ...]]) -> pl.Series:
        """Row numbers (UInt32, ascending) of the records with any sign of another spelling."""
        found = [_ends_key(sorted({n[-1] for n in absent}))] if absent else []
        if self._dotted:
            found += [self._dotted_hint, re.escape(self._escape)]
        hint = pl.col(RAW).str.contains("|".join(found)) if found else pl.lit(value=False)
        return signs.select(hint).to_series().arg_true()

    def _absent(self, signs: pl.DataFrame) -> list[tuple[str, ...]]:
        """Parents that are no object in some row."""
        missing = [_at(names).is_null().any().alias(".".join(names)) for names in self._parents]
        if not missing or signs.is_empty():
            return []
        found = signs.select(missing).row(0)
        return [names for names, is_missing in zip(self._parents, found, strict=True) if is_missing]

    def _again(self, absent: Sequence[tuple[str, ...]]) -> pl.Expr:
        """The record has a path as one key, or a value of another type where an object is wanted."""
        signs = [pl.col(name).is_null() & _has_key(name) for (name, *deeper) in absent if not deeper]
        if self._dotted:
            signs.append(pl.col(RAW).str.contains(_any_key(self._dotted)))
        return pl.any_horizontal(signs) if signs else pl.lit(value=False)

    def _irregular(self, absent: Sequence[tuple[str, ...]]) -> pl.Expr:
        """The record may have a path in a spelling that is not read."""
        signs = [
            _at(names).is_null() & _at(names[:-1]).is_not_null() & _has_key(names[-1])
            for names in absent
            if len(names) > 1 and names in self._telling
        ]
        if self._partly_dotted:
            signs.append(pl.col(RAW).str.contains(_any_key(self._partly_dotted)))
        if self._telling:
            signs.append(pl.col(RAW).str.contains(_ESCAPED_KEY))
        return pl.any_horizontal(signs) if signs else pl.lit(value=False)

    def _read_again(
        self, frame: pl.DataFrame, rows: pl.Series, read: pl.DataFrame, lines: pl.Series
    ) -> pl.DataFrame:
        tops = [names[0] for names in self._parents if len(names) == 1]
        schema = dict.fromkeys((*tops, *self._dotted), pl.String())
        second = pl.read_ndjson(io.BytesIO(block(lines.gather(rows))), schema=schema, ignore_errors=True)
        missing = read[rows].select(pl.col(top).is_null() for top in tops)
        texts = second.select(pl.when(missing[top]).then(pl.col(top)).alias(top) for top in tops)
        first = frame[rows]
        odd = first[IRREGULAR]
        for top in tops:
            if (top,) in self._telling:
                odd |= texts.select(nested(pl.col(top))).to_series()
        changed = {top: texts[top] for top in tops if top in self.every}
        for path in self._dotted:
            both = first[path].is_not_null() & second[path].is_not_null()
            changed[path] = first[path].fill_null(second[path]).set(both, None)
            if path in self.paths:
                odd |= both
        changed[IRREGULAR] = odd
        return _put(frame, rows, changed)

    def _without_nested(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Texts that are arrays or objects out of their columns; their rows are irregular."""
        if not self.every or frame.is_empty():
            return frame
        maybe = frame.select(maybe_nested(pl.col(path)).any() for path in self.every).row(0)
        suspects = [path for path, is_so in zip(self.every, maybe, strict=True) if is_so]
        if not suspects:
            return frame
        frame = frame.with_columns(
            leading_text(pl.col(path)).alias(path) for path in suspects if path in self.leading
        )
        return frame.with_columns(
            *(pl.when(~nested(pl.col(path))).then(pl.col(path)).alias(path) for path in suspects),
            pl.any_horizontal(
                IRREGULAR, *(nested(pl.col(path)) for path in suspects if path in self.paths)
            ).alias(IRREGULAR),
        )


class Present:
    """Leaves out of the columns those whose first name no record holds: each costs of every record.

    Remembers the names it has met, which it then reads without looking; safe to use from several threads.
    """

    def __init__(self, columns: JsonColumns) -> None:
        self._columns = columns
        # A name that may be written in several ways is always read.
        self._met = {name for name in columns.tree if not _SIMPLE.fullmatch(name)}
        self._within: dict[frozenset[str], JsonColumns] = {}

    def within(self, raw: pl.Series) -> JsonColumns:
        """The columns of the paths that these records may hold."""
        text, names = pl.col(RAW), [name for name in self._columns.tree if name not in self._met]
        if names:
            asked = [text.str.contains(f'"{name}', literal=True).any().alias(name) for name in names]
            escaped = text.str.contains(r"\u00", literal=True).any().alias(IRREGULAR)
            *held, hidden = raw.to_frame(RAW).select(*asked, escaped).row(0)
            if hidden:
                return self._columns
            self._met |= {name for name, is_held in zip(names, held, strict=True) if is_held}
        return self._only(frozenset(self._met))

    def _only(self, tops: frozenset[str]) -> JsonColumns:
        if tops not in self._within:
            whole = self._columns
            self._within[tops] = JsonColumns(
                tuple(path for path in whole.paths if _top(path) in tops),
                frozenset(path for path in whole.fields if _top(path) in tops),
                tuple(path for path in whole.times if _top(path) in tops),
                frozenset(path for path in whole.leading if _top(path) in tops),
            )
        return self._within[tops]


def _top(path: str) -> str:
    return path.split(".", 1)[0]


def _prefixes(paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Every path, as names, that another one goes on from; shortest first."""
    parts = [path.split(".") for path in paths]
    found = {tuple(names[:size]) for names in parts for size in range(1, len(names))}
    return tuple(sorted(found, key=lambda names: (len(names), names)))


def _dtype(tree: Tree) -> pl.DataType:
    return pl.Struct({name: _dtype(below) for name, below in tree.items()}) if tree else pl.String()


def _at(names: Sequence[str]) -> pl.Expr:
    found = pl.col(names[0])
    for name in names[1:]:
        found = found.struct.field(name)
    return found


def _any_key(keys: Sequence[str]) -> str:
    """Regex of any of these in quotes; on few or similar needles it is much faster than Aho-Corasick."""
    return '"(?:' + "|".join(map(re.escape, keys)) + ')"'


_PLAIN_VALUE = r'"\s*:\s*["\[0-9tf-]'
"""Regex: the end of a key whose value is neither object nor null."""


def _has_key(name: str) -> pl.Expr:
    """The record has this key, somewhere, with a plain value."""
    return pl.col(RAW).str.contains(f'"{re.escape(name)}{_PLAIN_VALUE}')


def _ends_key(names: Sequence[str]) -> str:
    """Regex of any key with a plain value that ends in one of the names.

    Without a quote at its beginning it is searched for by its literals, which is ten times as fast.
    """
    return f"(?:{'|'.join(map(re.escape, names))}){_PLAIN_VALUE}"


def _put(frame: pl.DataFrame, rows: pl.Series, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The frame with other values in some rows of some columns."""
    return frame.with_columns(
        frame[name].scatter(rows, values).alias(name) for name, values in columns.items()
    )
