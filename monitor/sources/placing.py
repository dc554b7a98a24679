"""Which partition a file is, and from where on it is read: by what is known of files and by nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from monitor.model import Checkpoint
from monitor.printable import path_text
from monitor.sources.marks import COPY_BYTES, Mark, mark_of


class Places:
    """The marks of all partitions of one group of files.

    A partition is called `group:path#number`; the path is where the file was when it was first seen, the
    number tells the files apart that stood there one after the other.
    """

    def __init__(self, group: str) -> None:
        self._prefix = f"{group}:"
        self._marks: dict[str, Mark] = {}
        self._by_inode: dict[int, set[str]] = defaultdict(set)
        self._by_base: dict[str, list[str]] = defaultdict(list)

    def learn(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Take over what the store knows."""
        for partition, checkpoint in checkpoints.items():
            mark = mark_of(checkpoint) if partition.startswith(self._prefix) else None
            if mark is not None:
                self.remember(partition, mark)

    def remember(self, partition: str, mark: Mark) -> None:
        """This is how far a partition was read."""
        former = self._marks.get(partition)
        if former is None:
            self._by_base[partition.rpartition("#")[0]].append(partition)
        else:
            self._by_inode[former.inode].discard(partition)
        self._marks[partition] = mark
        self._by_inode[mark.inode].add(partition)

    @property
    def inodes(self) -> Collection[int]:
        """Of all files that are known."""
        return self._by_inode.keys()

    @property
    def bases(self) -> Collection[str]:
        """Where files stood."""
        return {name.removeprefix(self._prefix) for name in self._by_base}

    def mark(self, partition: str) -> Mark:
        """How far it was read."""
        return self._marks[partition]

    def stood_at(self, partition: str, base: str) -> bool:
        """Whether the partition's file stood at this path."""
        return partition.rpartition("#")[0] == self._name(base)

    def fresh(self, base: str) -> str:
        """A name for a file that nobody knows."""
        numbers = [int(one.rpartition("#")[2]) for one in self._of(base)]
        return f"{self._name(base)}#{max(numbers, default=0) + 1}"

    def since(self) -> dict[str, int]:
        """By path, since when files that stand there are known, nanoseconds since the Unix epoch."""
        return {
            name.removeprefix(self._prefix): min(self._marks[one].changed for one in partitions)
            for name, partitions in self._by_base.items()
        }

    def same(self, inode: int, descriptor: int) -> str | None:
        """The partition that an open file is, by its inode and what stands in it."""
        return self._furthest(
            one
            for one in self._by_inode.get(inode, ())
            if self._marks[one].byte and self._marks[one].in_file(descriptor)
        )

    def unread(self, inode: int, base: str, but: Collection[str]) -> str | None:
        """The partition, none of `but`, of a file of which nothing is known but its inode and its path."""
        found = self._by_inode.get(inode, ())
        return next(
            (
                one
                for one in found
                if one not in but and not self._marks[one].byte and self.stood_at(one, base)
            ),
            None,
        )

    def copy(self, base: str, descriptor: int, but: Collection[str]) -> str | None:
        """The partition, none of `but`, of which an open file is a copy."""
        return self._furthest(
            one
            for one in self._of(base)
            if one not in but and self._marks[one].byte >= COPY_BYTES and self._marks[one].in_file(descriptor)
        )

    def maybe_copying(self, base: str, descriptor: int, size: int) -> bool:
        """Whether an open file may be a copy of a known one that is still being written."""
        return any(
            size < mark.byte and (size < mark.head_bytes or mark.begins(descriptor))
            for mark in (self._marks[one] for one in self._of(base))
        )

    def _furthest(self, found: Iterable[str]) -> str | None:
        return max(found, key=lambda one: self._marks[one].byte, default=None)

    def _of(self, base: str) -> list[str]:
        return self._by_base.get(self._name(base), [])

    def _name(self, base: str) -> str:
        return self._prefix + path_text(base)
