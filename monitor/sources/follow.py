"""Files that are written to while they are read: a group of them, by patterns, through every rotation.

Files are read by their descriptors, so a rename or a removal ends nothing; new ones are found by looking
(`finding`). What a file is recognised by after a restart is in `marks`.

A position is a line number, counted from the first line of the file as in archives; the store has the byte it
begins at beside it (decision 11). A file that was truncated is, from then on, another partition.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from monitor.clock import Clock
from monitor.decode import AUTO
from monitor.frames import Lines, RecordBatch
from monitor.model import Checkpoint, Claim, Logsource
from monitor.printable import line as printed
from monitor.printable import path_text
from monitor.sources.chunks import Chunk, Limits
from monitor.sources.finding import Finder, Found, Place, begun, open_regular
from monitor.sources.folders import Seen, find
from monitor.sources.followed import Followed, Rewritten, Shape
from monitor.sources.held import Handed, Held
from monitor.sources.marks import COPY_BYTES, Mark, mark_of
from monitor.sources.placing import Places
from monitor.telemetry import CUT

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2
"""Between two looks at the size of each file."""

LINGER_SECONDS: Final = 60.0
"""How long a file that was rotated away or removed must be silent until it is let go of."""


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What to follow, and how.

    Attributes:
        group: begins the names of partitions.
        patterns: absolute paths and globs.
        start: where a file starts that nobody knows when the first look finds it: `beginning` or `end`.
        format: one of `monitor.decode.FORMATS` but `table`, or `auto`: name and first lines of each say it.
        every_seconds: between two looks for files that are new or rotated.
        unfinished_seconds: after which a last line without line feed is taken as it is.
        lines: most lines of a batch.
        ahead_bytes: bytes handed over and not yet stored, beyond which nothing more is read.
        limits: most bytes that are read at once, and of a line.
    """

    group: str
    patterns: tuple[Path, ...]
    start: str = "beginning"
    format: str = AUTO
    logsource: Logsource = field(default_factory=Logsource)
    every_seconds: float = 1.0
    unfinished_seconds: float = 300.0
    lines: int = 50_000
    ahead_bytes: int = 64 << 20
    limits: Limits = field(default_factory=lambda: Limits(chunk=8 << 20))


class FollowSource:
    """`monitor.ports.Source` over a group of files. Partitions are named by `monitor.sources.placing`.

    Args:
        claim: asked for each partition before it is read; see `monitor.ports.Store`.
    """

    exhausted = False

    def __init__(
        self,
        options: FollowOptions,
        clock: Clock,
        *,
        claim: Callable[[Collection[str]], Mapping[str, Claim]],
    ) -> None:
        self._options = options
        self._clock = clock
        self._claim = claim
        self._shape = Shape(options.format, options.lines, options.limits)
        self._places = Places(options.group)
        self._finder = Finder(options.patterns, self._places, start=options.start, format=options.format)
        self._active: dict[Place, Followed] = {}
        self._held: Held[Mark] = Held()
        self._ready: deque[Handed[Mark]] = deque()
        self._failures: dict[str, str] = {}
        self._scan_at = self._look_at = 0.0

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Find the files there are; what is wrong with one of them is logged and keeps no other from it.

        Raises:
            StoreError: the partitions could not be claimed.
        """
        self._places.learn(checkpoints)
        self._scan()

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next lines of one file, or None when there are none within `timeout` seconds.

        Raises:
            StoreError: a file could not be claimed.
        """
        until = self._clock.monotonic() + timeout
        while True:
            batch = self._next()
            left = until - self._clock.monotonic()
            if batch is not None or left <= 0:
                return batch
            self._clock.sleep(min(LOOK_SECONDS, left))

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """Where to go on once `batch` is stored, and what to recognise the file by."""
        return self._held.newest(batch.partition, batch.next_position).checkpoint(plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Let go of what the store holds."""
        reading = {one.partition for one in self._active.values()}
        for partition, position in positions.items():
            self._held.stored(partition, position)
            if partition not in reading and not self._held.keeps(partition):
                self._held.forget(partition)

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Give again what the store does not hold; go on behind what somebody else has stored meanwhile.

        Raises:
            StoreError: the partitions could not be claimed.
        """
        reading = {one.partition for one in self._active.values()}
        ready = {one.batch.partition for one in self._ready}
        claims = self._claim(reading | ready | self._held.partitions)
        read = dict(checkpoints) | {name: one.read for name, one in claims.items() if one.read is not None}
        positions = {name: one.next_position for name, one in read.items()}
        generations = {name: one.generation for name, one in claims.items()}
        elsewhere = set(self._held.again(positions, generations))
        for one in list(self._active.values()):
            one.generation = generations[one.partition]
            if one.partition in elsewhere:
                self._let_go(one)
        self._ready = deque(
            replace(one, batch=replace(one.batch, generation=generations[one.batch.partition]))
            for one in self._ready
            if one.batch.partition not in elsewhere
        )
        for partition in elsewhere:
            self._held.forget(partition)
            if partition in read:
                self._places.learn({partition: read[partition]})
        self._scan_at = 0.0

    def lag(self) -> dict[str, int]:
        """Bytes of each file that the store does not know of yet."""
        return {
            one.partition: max(0, one.size - self._held.stored_byte(one.partition))
            for one in list(self._active.values())
        }

    def behind(self) -> frozenset[str]:
        """Files that hold lines not yet handed over."""
        reading = {one.partition for one in list(self._active.values()) if one.waiting}
        waiting = {handed.batch.partition for handed in list(self._ready)}
        return self._held.waiting | reading | waiting

    def close(self) -> None:
        """Let go of all files."""
        for one in list(self._active.values()):
            self._let_go(one)

    def _next(self) -> RecordBatch | None:
        if (batch := self._held.next()) is not None:
            return batch
        if self._held.size >= self._options.ahead_bytes:
            return None
        while not self._ready:
            now = self._clock.monotonic()
            scan = now >= self._scan_at
            if scan:
                self._scan()
            if now >= self._look_at:
                self._look(now, closely=scan)
            if not self._ready:
                self._read()
            if now < self._scan_at:  # else a file was truncated, and what is there now is to be found
                break
        return self._held.give(self._ready.popleft()) if self._ready else None

    def _look(self, now: float, *, closely: bool) -> None:
        """See which files have grown, which were truncated, and which are over."""
        for one in list(self._active.values()):
            try:
                one.look(now, closely=closely)
            except Rewritten:
                self._rewritten(one)
                continue
            except OSError as error:
                self._failed(one, error)
                continue
            quiet = now - max(one.grown, one.grown if one.gone is None else one.gone)
            if one.waiting:
                continue
            if one.gone is not None and quiet >= LINGER_SECONDS:
                self._hand_over(one, one.end() if one.removed else one.finish())
                self._let_go(one)
            elif one.unfinished and quiet >= self._options.unfinished_seconds:
                self._hand_over(one, one.finish())
        self._look_at = now + LOOK_SECONDS

    def _read(self) -> None:
        """Lines of the first file that has some; it is the last one the next time."""
        for place, one in list(self._active.items()):
            if not one.waiting:
                continue
            try:
                chunk = one.read()
            except Rewritten:
                self._rewritten(one)
                continue
            except OSError as error:
                self._failed(one, error)
                continue
            if chunk is not None:
                self._failures.pop(one.seen.path, None)
                self._active[place] = self._active.pop(place)
                self._hand_over(one, chunk)
                return

    def _failed(self, one: Followed, error: OSError) -> None:
        """The file cannot be read for now; said once, and tried again at the next look for files."""
        path, why = one.seen.path, error.strerror or str(error)
        if self._failures.get(path) != why:
            log.warning("%s: reading failed (%s); it is tried again", printed(path_text(path)), why)
        self._failures[path] = why
        self._let_go(one)

    def _hand_over(self, one: Followed, chunk: Chunk | None, facts: tuple[tuple[str, int], ...] = ()) -> None:
        if chunk is None:
            return
        batch = RecordBatch(
            partition=one.partition,
            offsets=chunk.offsets,
            next_position=chunk.next_position,
            payload=chunk.payload,
            logsource=self._options.logsource,
            format=one.detect(),
            rejects=chunk.rejects,
            facts=facts,
            generation=one.generation,
        )
        self._ready.append(Handed(batch, one.mark.byte, one.mark))

    def _rewritten(self, one: Followed) -> None:
        """The file was truncated: what was unread is in a copy of it, or nowhere; what comes is another."""
        copy, path = self._copy(one), printed(path_text(one.seen.path))
        if copy is None:
            if one.unread:
                log.warning(
                    "%s: truncated before its last %d bytes were read, and no copy of it is beside it; "
                    "rotate it by renaming",
                    path,
                    one.unread,
                )
            self._hand_over(one, one.end(), ((CUT, 1),) if one.unread else ())
        seen, descriptor = one.seen, one.opened_again()
        self._let_go(one)
        if copy is not None:
            self._follow(Found(one.partition, *copy, one.mark), one.generation)
        fresh = Found(self._places.fresh(seen.base), seen, descriptor, begun(seen))
        try:
            claims = self._claim([fresh.partition])
        except BaseException:
            self._leave(fresh)
            raise
        try:
            self._take(fresh, claims[fresh.partition])
        except OSError:
            self._leave(fresh)
        self._scan_at = 0.0

    def _copy(self, one: Followed) -> tuple[Seen, int] | None:
        """A file beside this one that holds all that was read of it, and its descriptor."""
        for seen in find(self._options.patterns, lambda *_: None, (), self._places.bases):
            if not self._places.stood_at(one.partition, seen.base) or seen.place in self._active:
                continue
            try:
                descriptor = open_regular(seen)
            except OSError:
                continue
            if descriptor is not None:
                with suppress(OSError):
                    if one.mark.byte >= COPY_BYTES and one.mark.in_file(descriptor):
                        return seen, descriptor
                os.close(descriptor)
        return None

    def _scan(self) -> None:
        """Look for files that are new, and for where those that are followed have gone."""
        now = self._clock.monotonic()
        for one in self._active.values():
            self._places.remember(one.partition, one.mark)
        found = self._finder.look(self._active, now)
        try:
            claims = self._claim([fresh.partition for fresh in found]) if found else {}
        except BaseException:
            for fresh in found:
                self._leave(fresh)
            raise
        for fresh in found:
            try:
                self._take(fresh, claims[fresh.partition])
            except OSError:
                self._leave(fresh)  # looked into a moment ago; the next look says what is wrong
        self._scan_at = now + self._options.every_seconds
        self._look_at = 0.0

    def _take(self, one: Found, claim: Claim) -> None:
        """Begin to read a file, where the store says if it knows more than we do."""
        former = next((it for it in self._active.values() if it.partition == one.partition), None)
        if former is not None and self._goes_on(former):
            self._leave(one)  # a copy of what is still being read
            return
        mark, stored = one.mark, None if claim.read is None else mark_of(claim.read)
        if claim.read is not None and claim.read.next_position != mark.line and former is None:
            if stored is None or not stored.in_file(one.descriptor):
                self._leave(one)  # the name belongs to a file that somebody else reads
                if stored is not None:
                    self._places.remember(one.partition, stored)
                return
            mark = mark if self._held.keeps(one.partition) else replace(stored, inode=mark.inode)
        if former is not None:
            self._let_go(former)
        self._follow(replace(one, mark=mark), claim.generation)
        if claim.read is None:
            # From now on the store knows this file, and is not surprised by what it is called later.
            followed = self._active[one.seen.place]
            self._hand_over(followed, Chunk(range(0), mark.line, Lines(b"")))

    def _goes_on(self, one: Followed) -> bool:
        """Whether there is more in a file than was read, or something else by now."""
        try:
            one.look(self._clock.monotonic(), closely=True)
        except Rewritten:
            return True
        return one.waiting

    def _follow(self, one: Found, generation: int) -> None:
        now, seen = self._clock.monotonic(), one.seen
        mark = replace(one.mark, inode=seen.place[1])
        followed = Followed(
            one.partition, seen, one.descriptor, mark, self._shape, generation=generation, now=now
        )
        followed.gone = None if seen.matched else now
        self._active[seen.place] = followed
        self._places.remember(one.partition, mark)
        self._held.begin(one.partition, mark.line, mark.byte)
        with suppress(Rewritten):  # the next look will say so
            followed.look(now)
        log.info("%s: followed from line %d on", printed(path_text(seen.path)), mark.line + 1)

    def _leave(self, one: Found) -> None:
        os.close(one.descriptor)
        self._finder.forget(one.seen.place)

    def _let_go(self, one: Followed) -> None:
        self._places.remember(one.partition, one.mark)
        for place, other in list(self._active.items()):
            if other is one:
                del self._active[place]
                self._finder.forget(place)
        one.close()
