"""Dead letters on their way out: written before the positions move, waited for where they cannot be.

A sink that fails stops the reading, never the letters. The whole turn waits, and with it every partition of
this process: one that ran ahead would move the watermark on, and what waits would come late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from monitor.clock import Clock
from monitor.decode.reasons import INTENDED
from monitor.errors import DeadLetterError, Stopped
from monitor.model import Reject
from monitor.ports import DeadLetters

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
SAID_EVERY_SECONDS = 60.0
BUFFERED_BYTES = 8 * 1024 * 1024
"""Letters of a turn that wait in memory; beyond that they are written before its end."""


class Observer(Protocol):
    """What is told of dead letters, for metrics and health."""

    def written(self, sink: str, count: int) -> None:
        """So many are where they belong."""
        ...

    def failed(self, sink: str) -> None:
        """One attempt failed."""
        ...

    def waiting(self, *, since: float | None) -> None:
        """Nothing is read on, since that second of the stopwatch; with None it goes on."""
        ...


class Patient:
    """Writes to every sink, and waits for one that fails.

    Args:
        stop: asked while waiting; whoever stops then has stored nothing of the turn and will read it again.
        beat: called while waiting: the daemon lives.
    """

    def __init__(
        self,
        sinks: Sequence[DeadLetters],
        *,
        clock: Clock,
        stop: Callable[[], bool],
        beat: Callable[[], None],
        observer: Observer,
    ) -> None:
        self._sinks = tuple(sinks)
        self._clock = clock
        self._stop = stop
        self._beat = beat
        self._observer = observer

    def put(self, rejects: Iterable[Reject]) -> None:
        """Keep what was not discarded on purpose for the end of the turn.

        Raises:
            Stopped: a stop was asked for while a sink failed.
        """
        letters = [reject for reject in rejects if reject.reason not in INTENDED]
        if letters and max([sink.put(letters) for sink in self._sinks], default=0) > BUFFERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Come back once every letter is where it belongs.

        Raises:
            Stopped: as `put`.
        """
        for sink in self._sinks:
            self._flush(sink)

    def _flush(self, sink: DeadLetters) -> None:
        since = said = None
        while True:
            try:
                self._observer.written(sink.name, sink.flush())
                break
            except DeadLetterError as error:
                now = self._clock.monotonic()
                self._observer.failed(sink.name)
                if since is None:
                    since = now
                    self._observer.waiting(since=since)
                if said is None or now - said >= SAID_EVERY_SECONDS:
                    said = now
                    log.error("%s", error)  # noqa: TRY400 - its words say what to do
            if self._stop():
                raise Stopped(
                    "stopped while dead letters could not be written; nothing of this turn is stored"
                )
            self._beat()
            self._clock.sleep(RETRY_SECONDS)
        if since is not None:
            self._observer.waiting(since=None)
            log.warning("dead letters are written again after %.0f s", self._clock.monotonic() - since)
