"""Which files patterns lead to, and what stands beside them: looked at again and again, never an error.

`*`, `?` and `[…]` mean part of a name, not a leading dot; `**` means any folders below, and does not follow
links, so that no loop of them is endless.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.printable import path_text

SIGNS = frozenset("*?[")
PACKED = (".gz", ".zst", ".zstd", ".bz2", ".xz", ".lz4", ".lzma", ".z", ".br", ".zip", ".7z")
"""Names that end so are compressed: left alone, whatever pattern leads to them."""

Complain = Callable[[str, str], None]
"""Told a path and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was just found.

    Attributes:
        path: absolute.
        base: path of the file it was rotated from, where it looks like that; else `path`.
        place: device and inode, which no other file has while this one is there.
        matched: whether a pattern leads to it; else it merely stands beside one that does.
    """

    path: str
    base: str
    place: tuple[int, int]
    size: int
    changed: int
    matched: bool


def find(
    patterns: Sequence[Path],
    complain: Complain,
    known: Collection[int] = (),
    bases: Collection[str] = (),
) -> list[Seen]:
    """The files that patterns lead to and those beside them, oldest first, each of them once.

    Beside them are files that look rotated from them, and whatever has one of the inodes that are `known`.
    Of `bases` there may be rotated files too, although they are gone themselves.
    """
    found: dict[tuple[int, int], Seen] = {}
    matched = dict.fromkeys(path for pattern in patterns for path in _matching(pattern, complain))
    names = {path: _base(path, {*matched, *bases}) for path in matched}
    for path, base in names.items():
        named = path in {str(pattern) for pattern in patterns}
        if (seen := _seen(path, base, complain, matched=True, named=named)) is not None:
            found.setdefault(seen.place, seen)
    for path, base in _beside(matched, known):
        if (seen := _seen(path, base, _silent, matched=False, named=False)) is not None:
            found.setdefault(seen.place, seen)
    return sorted(found.values(), key=lambda one: (one.changed, one.path))


def _matching(pattern: Path, complain: Complain) -> list[str]:
    text = str(pattern)
    if not SIGNS & set(text):
        return [text]
    found = sorted(_expanded(pattern.anchor, pattern.parts[1:], complain))
    if not found:
        complain(text, "matches no file yet; what appears is followed")
    return found


def _expanded(folder: str, parts: Sequence[str], complain: Complain) -> Iterator[str]:
    """Paths below a folder that match the parts of a pattern."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _expanded(folder, rest or ("*",), complain)
        for entry in _entries(folder, complain):
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield from _expanded(entry.path, parts, complain)
        return
    for path in _named(folder, part, complain):
        if rest:
            yield from _expanded(path, rest, complain) if os.path.isdir(path) else ()  # noqa: PTH112 - text all the way, thousands of times a minute
        elif not (SIGNS & set(part) and path.lower().endswith(PACKED)):
            yield path


def _named(folder: str, part: str, complain: Complain) -> list[str]:
    """What is in a folder under a name, or under the names that match."""
    if not SIGNS & set(part):
        path = os.path.join(folder, part)  # noqa: PTH118 - as above
        return [path] if os.path.lexists(path) else []
    return [
        entry.path
        for entry in _entries(folder, complain)
        if fnmatch.fnmatchcase(entry.name, part) and entry.name.startswith(".") <= part.startswith(".")
    ]


def _entries(folder: str, complain: Complain) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        complain(folder, f"the folder cannot be looked into ({error.strerror})")
        return []


def _seen(path: str, base: str, complain: Complain, *, matched: bool, named: bool) -> Seen | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except FileNotFoundError:
        if named:
            complain(path, "there is no such file yet; it is followed once it is there")
        return None
    except OSError as error:
        cure = "; take the link away" if error.errno == errno.ELOOP else ""
        complain(path, f"cannot be followed ({error.strerror}){cure}")
        return None
    if stat.S_ISREG(found.st_mode):
        return Seen(path, base, (found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns, matched)
    if stat.S_ISDIR(found.st_mode):
        if named:
            complain(path, f"is a folder; name the files in it, for example {path_text(path)}/*.log")
    elif stat.S_ISFIFO(found.st_mode):
        complain(path, "is a named pipe, which cannot be read again; pipe it into sources.stdin")
    else:
        complain(path, "is no file (a socket or a device) and cannot be followed")
    return None


def _silent(path: str, why: str) -> None:
    """Nobody asked for it."""


def _base(path: str, paths: Collection[str]) -> str:
    """The file among `paths` that this one was rotated from, by its name; itself where there is none."""
    folder, name = os.path.split(path)
    for shorter in _bases(name):
        candidate = os.path.join(folder, shorter)  # noqa: PTH118 - as above
        if candidate != path and candidate in paths:
            return candidate
    return path


_ROTATED = re.compile(r"(?P<stem>.+?)[.-]\d[\dTZ_.:-]*(?P<end>\.[A-Za-z]+)?")


def _bases(name: str) -> Iterator[str]:
    """Names of which rotation makes this one: `a.log` of `a.log.1`, `a.log-20261125`, `a-2026-11-25.log`."""
    found = _ROTATED.fullmatch(name)
    if found is not None:
        yield found["stem"] + (found["end"] or "")


def _beside(matched: Iterable[str], known: Collection[int]) -> Iterator[tuple[str, str]]:
    """Files beside those matched, or beside where a link leads, and which of them they were rotated from."""
    folders: dict[str, dict[str, str]] = {}
    for path in matched:
        for place in {path, os.path.realpath(path)}:
            folder, name = os.path.split(place)
            folders.setdefault(folder, {})[name] = path
    for folder, names in folders.items():
        for entry in _entries(folder, _silent):
            if entry.name in names or entry.name.lower().endswith(PACKED):
                continue
            base = next((names[one] for one in _bases(entry.name) if one in names), None)
            wanted = base is not None or entry.inode() in known
            if wanted and entry.is_file(follow_symlinks=False):
                yield entry.path, base or entry.path
