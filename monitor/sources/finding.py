"""Finds the files of a group again and again: which are new, which were rotated, what is wrong with others.

What a file is, is decided once and then only when its size or its time of change say otherwise: the one a
partition was read from, a copy of it, one that nobody has read, or none of ours.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from monitor.decode import AUTO, HEAD, TABLE, detect
from monitor.printable import line as printed
from monitor.printable import path_text
from monitor.sources.files import compressed
from monitor.sources.folders import Seen, find
from monitor.sources.followed import Followed
from monitor.sources.marks import Mark, Window, window_at
from monitor.sources.placing import Places

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 10.0
"""How long a file that may be a copy in the making must hold still until it is taken for one of its own."""

_OPEN: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_COUNTED: Final = 1 << 20

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A file to follow from now on: of which partition, open, and from where."""

    partition: str
    seen: Seen
    descriptor: int
    mark: Mark


class Finder:
    """Looks for the files of one group.

    Args:
        places: what is known of them; whoever reads keeps it up to date.
        start: where a file begins that nobody knows when the first look finds it: `beginning` or `end`.
        format: `auto`, or what all of them are.
    """

    def __init__(self, patterns: tuple[Path, ...], places: Places, *, start: str, format: str) -> None:  # noqa: A002 - the field's word
        self._patterns = patterns
        self._places = places
        self._at_end = start == "end"
        self._format = format
        self._first = True
        self._denied: set[str] = set()
        self._settled: dict[Place, tuple[int, int]] = {}
        self._identified: dict[Place, str] = {}
        self._moving: dict[Place, tuple[int, int, float]] = {}
        self._since: dict[str, int] = {}
        self._active: Mapping[Place, Followed] = {}
        self._refused: dict[Place, str] = {}
        self._told: dict[str, str] = {}
        self._complaints: dict[str, str] = {}

    def look(self, active: Mapping[Place, Followed], now: float) -> list[Found]:
        """Look once.

        Args:
            active: the files that are read; told where they are by now, and since when that is nowhere.
            now: seconds of the stopwatch.

        Returns:
            What is to be read beside them. A partition of `active` among it goes on in that file instead.
        """
        self._told = {}
        self._active = active
        self._since = self._places.since()
        found = find(self._patterns, self._told.__setitem__, self._places.inodes, self._places.bases)
        here = {seen.place: seen for seen in found}
        for place, one in active.items():
            _moved(one, here.get(place), now)
            self._identified[place] = one.partition
        self._forget(here)
        opened = self._opened(here, active)
        placed = [*self._same(opened), *self._others(opened, now)]
        for seen, descriptor in opened.items():
            if all(one.seen != seen for one in placed):
                os.close(descriptor)
        self._complain()
        self._first = False
        return placed

    def _opened(self, here: Mapping[Place, Seen], active: Collection[Place]) -> dict[Seen, int]:
        """The files that have to be looked into, and their descriptors."""
        opened = {}
        for place, seen in here.items():
            if place in active or self._settled.get(place) == (seen.size, seen.changed):
                continue
            if place in self._refused:
                self._told[seen.path] = self._refused[place]
            elif (descriptor := self._open(seen)) is not None:
                self._identified.pop(place, None)
                opened[seen] = descriptor
        return opened

    def _open(self, seen: Seen) -> int | None:
        try:
            return open_regular(seen)
        except OSError as error:
            if seen.matched and error.errno != errno.ENOENT:
                self._unreadable(seen, error)
                if self._first:
                    self._denied.add(seen.path)
        return None

    def _unreadable(self, seen: Seen, error: OSError) -> None:
        """Say that a file cannot be read; it is tried again."""
        scarce = error.errno in {errno.EMFILE, errno.ENFILE}
        cure = "allow more open files (LimitNOFILE)" if scarce else "give this user the right to"
        if error.errno in {errno.EIO, errno.ESTALE}:
            cure = "look after its disk, or the server it is on"
        self._told[seen.path] = f"cannot be read ({error.strerror}); {cure}, the rest is followed"

    def _same(self, opened: dict[Seen, int]) -> list[Found]:
        """Those that a partition was read from, by their inodes; of what cannot be read nobody knows."""
        found: list[Found] = []
        for seen, descriptor in list(opened.items()):
            try:
                partition = self._places.same(seen.place[1], descriptor)
            except OSError as error:
                self._unreadable(seen, error)
                os.close(opened.pop(seen))
                continue
            if partition is not None:
                self._identified[seen.place] = partition
                found += self._went_on(partition, seen, descriptor)
        return found

    def _others(self, opened: Mapping[Seen, int], now: float) -> list[Found]:
        """Copies, and files that nobody has read."""
        found: list[Found] = []
        for seen, descriptor in opened.items():
            if seen.place not in self._identified:
                try:
                    found += self._other(seen, descriptor, now)
                except OSError as error:
                    self._unreadable(seen, error)
        return found

    def _other(self, seen: Seen, descriptor: int, now: float) -> list[Found]:
        partition = self._places.copy(seen.base, descriptor, set(self._identified.values()))
        if partition is not None:
            self._identified[seen.place] = partition
            return self._went_on(partition, seen, descriptor)
        return [self._new(seen, descriptor)] if self._is_new(seen, descriptor, now) else []

    def _went_on(self, partition: str, seen: Seen, descriptor: int) -> list[Found]:
        """A file of a known partition: to be read if there is more of it, or may be."""
        mark = replace(self._places.mark(partition), inode=seen.place[1])
        if seen.matched or seen.size > mark.byte:
            return [Found(partition, seen, descriptor, mark)]
        self._settle(seen)
        return []

    def _is_new(self, seen: Seen, descriptor: int, now: float) -> bool:
        """Whether a file that is no partition's is to be one."""
        since = self._since.get(seen.base)
        if not seen.matched and (seen.base == seen.path or since is None):
            self._settle(seen)
            return False
        if seen.base != seen.path and since is not None:
            if self._places.copy(seen.base, descriptor, ()) is not None:
                self._settle(seen)  # of a file that is still there; when that is truncated it is looked for
                return False
            if not seen.size or self._is_twin(seen, descriptor):
                return False  # a copy of what is not read yet: it is truncated next, or read
            if self._places.maybe_copying(seen.base, descriptor, seen.size) and self._moves(seen, now):
                return False
            if not seen.matched and seen.changed < since:
                self._settle(seen)  # it was rotated before we came
                return False
        return not self._refuse(seen, descriptor)

    def _is_twin(self, seen: Seen, descriptor: int) -> bool:
        """Whether the file says what the one it is named after says at this moment."""
        return any(
            self._places.stood_at(one.partition, seen.base) and one.begins_like(descriptor, seen.size)
            for one in self._active.values()
        )

    def _moves(self, seen: Seen, now: float) -> bool:
        """Whether the file has changed within the last SETTLE_SECONDS."""
        size, changed, since = self._moving.get(seen.place, (-1, -1, now))
        if (size, changed) != (seen.size, seen.changed):
            since = now
        self._moving[seen.place] = seen.size, seen.changed, since
        return now - since < SETTLE_SECONDS

    def _refuse(self, seen: Seen, descriptor: int) -> bool:
        """Whether the file is nothing that can be followed, which is said."""
        head = os.pread(descriptor, HEAD, 0)
        if compressed(head):
            why = "is compressed and left alone; `privwatch replay` reads it"
        elif self._format == AUTO and detect(head, Path(seen.path).name) == TABLE:
            why = "is a table, which cannot be followed; `privwatch replay` reads it"
        else:
            return False
        self._refused[seen.place] = self._told[seen.path] = why
        return True

    def _new(self, seen: Seen, descriptor: int) -> Found:
        others = set(self._identified.values())
        inode, base = seen.place[1], seen.base
        partition = self._places.unread(inode, base, others) or self._places.fresh(base)
        known = base in self._since
        at_end = self._at_end and not known and (self._first or seen.path in self._denied)
        byte, line = end_of(descriptor) if at_end else (0, 0)
        mark = window_at(descriptor, byte).mark(inode, byte, line, seen.changed)
        self._places.remember(partition, mark)
        self._identified[seen.place] = partition
        return Found(partition, seen, descriptor, mark)

    def _settle(self, seen: Seen) -> None:
        self._settled[seen.place] = seen.size, seen.changed

    def forget(self, place: Place) -> None:
        """What this file was is not true any more, or it is not read any more."""
        for known in (self._settled, self._identified, self._moving):
            known.pop(place, None)

    def _forget(self, here: Collection[Place]) -> None:
        """What is gone leaves nothing behind: its inode may be used again."""
        known = {*self._settled, *self._identified, *self._moving, *self._refused}
        for place in known - set(here):
            self.forget(place)
            self._refused.pop(place, None)

    def _complain(self) -> None:
        """Say what is wrong, once until it changes."""
        for path, why in self._told.items():
            if self._complaints.get(path) != why:
                log.warning("%s: %s", printed(path_text(path)), why)
        self._complaints = self._told


def _moved(one: Followed, seen: Seen | None, now: float) -> None:
    if seen is not None:
        one.seen = replace(seen, base=one.seen.base)
    if seen is not None and seen.matched:
        one.gone = None
    elif one.gone is None:
        one.gone = now


def begun(seen: Seen) -> Mark:
    """The mark of a file of which nothing was read."""
    return Window().mark(seen.place[1], 0, 0, seen.changed)


def open_regular(seen: Seen) -> int | None:
    """A descriptor of the file; None where something else stands there by now.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(seen.path, _OPEN)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) == seen.place:
        return descriptor
    os.close(descriptor)
    return None


def end_of(descriptor: int) -> tuple[int, int]:
    """Where the last line of an open file begins that is not finished yet: byte, and number of the line."""
    at = byte = line = 0
    while data := os.pread(descriptor, _COUNTED, at):
        line += data.count(b"\n")
        last = data.rfind(b"\n")
        byte = at + last + 1 if last >= 0 else byte
        at += len(data)
    return byte, line
