"""Standard input: whatever another program writes, line by line, until it ends.

A pipe cannot be read twice. Within one run a turn that could not be written is given again from memory, but
what was read and not stored when the process dies is gone. So every run is a partition of its own.
"""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from monitor.decode import AUTO, HEAD, TABLE, detect
from monitor.errors import InputError
from monitor.frames import Lines, RecordBatch
from monitor.model import Checkpoint, Logsource
from monitor.sources.chunks import Chunk, Limits
from monitor.sources.growing import Growing
from monitor.sources.held import Handed, Held

NAME = "stdin"
"""Begins the name of the partition; also its source in metrics."""

_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class PipeOptions:
    """How a pipe is read.

    Attributes:
        format: one of `monitor.decode.FORMATS`, or `auto`: the first lines that come say it.
        lines: most lines of a batch.
        limits: `chunk` bytes are gathered while they come at once.
    """

    format: str = AUTO
    logsource: Logsource = field(default_factory=Logsource)
    lines: int = 50_000
    limits: Limits = field(default_factory=lambda: Limits(chunk=4 << 20))


class PipeSource:
    """`monitor.ports.Source` over a file descriptor. The only partition is `stdin#` and 8 hex digits.

    A position is a line number.

    Args:
        descriptor: read to its end; not closed.
    """

    def __init__(self, options: PipeOptions, descriptor: int = 0) -> None:
        self._options = options
        self._descriptor = descriptor
        self._partition = f"{NAME}#{uuid4().hex[:8]}"
        self._lines = Growing(self._partition, options.limits, lines=options.lines)
        self._format = "" if options.format == AUTO else options.format
        self._ended = False
        self._held: Held[None] = Held()
        self._held.begin(self._partition, 0, 0)
        self._given = 0

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Nothing: no position is of use to a pipe."""

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next lines, or None when there are none within `timeout` seconds.

        Raises:
            InputError: standard input is closed, or cannot be read.
        """
        if (batch := self._held.next()) is not None:
            return batch
        chunk = self._lines.take(end=self._ended) or self._read(timeout)
        if chunk is None:
            return None
        self._given = self._lines.byte
        return self._held.give(Handed(self._batch(chunk), self._given, None))

    def _read(self, timeout: float) -> Chunk | None:
        """What comes at once, up to a chunk; the first byte of it is waited for."""
        gathered = 0
        while gathered < self._options.limits.chunk and not self._ended and self._waiting(timeout):
            try:
                data = os.read(self._descriptor, _READ)
            except OSError as error:
                raise InputError(f"standard input cannot be read ({error.strerror})") from error
            self._ended = not data
            self._lines.feed(data)
            gathered += len(data)
            timeout = 0
        return self._lines.take(end=self._ended)

    def _waiting(self, timeout: float) -> bool:
        try:
            return bool(select.select([self._descriptor], [], [], timeout)[0])
        except (OSError, ValueError) as error:
            raise InputError(
                "standard input is closed; pipe something in, or leave out sources.stdin"
            ) from error

    def _batch(self, chunk: Chunk) -> RecordBatch:
        if not self._format and isinstance(chunk.payload, Lines) and chunk.payload.data:
            self._format = detect(chunk.payload.data[:HEAD], "")
            if self._format == TABLE:
                raise InputError("standard input is a table; write it into a file and replay that")
        return RecordBatch(
            partition=self._partition,
            offsets=chunk.offsets,
            next_position=chunk.next_position,
            payload=chunk.payload,
            logsource=self._options.logsource,
            format=self._format,
            rejects=chunk.rejects,
        )

    @property
    def exhausted(self) -> bool:
        """True once the pipe ended and all of it was handed over."""
        return self._ended and not self._held.waiting and not self._lines.unfinished

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """How many lines were read: for people, nothing is resumed by it."""
        return Checkpoint(batch.next_position, plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Forget what the store holds."""
        self._held.stored(self._partition, positions.get(self._partition, 0))

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Give again what is not in the store."""
        held = checkpoints.get(self._partition)
        known = {} if held is None else {self._partition: held.next_position}
        self._held.again(known, {})

    def lag(self) -> dict[str, int]:
        """Bytes that were handed over and are not yet in the store."""
        return {self._partition: self._given - self._held.stored_byte(self._partition)}

    def behind(self) -> frozenset[str]:
        """The partition while more can be read at once."""
        more = self._held.waiting or (not self._ended and self._waiting(0))
        return frozenset({self._partition} if more else ())

    def close(self) -> None:
        """Nothing: the descriptor is not ours."""
