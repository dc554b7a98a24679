"""The store of a run that may be stopped: who waits for its word heeds a stop, also while it stands still.

A database that neither answers nor breaks the connection would hold up the end for as long as it likes. It is
asked in a thread of its own, and after a stop its word is waited for so long and no longer.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from monitor.clock import Clock
from monitor.errors import Stopped
from monitor.model import Checkpoint, Segment, Turn
from monitor.ports import TurnStore

PATIENCE_SECONDS: Final = 4.0
"""How long after a stop the store's word is waited for: a turn of some size is written in less."""

LOOK_SECONDS: Final = 0.2
"""How soon a stop is noticed by whoever waits."""

T = TypeVar("T")


class Heeding:
    """`monitor.ports.TurnStore` over another one. To be used by one thread.

    Args:
        store: is asked.
        stop: whether to stop; asked while its word is waited for.
        clock: for the patience.

    Each method raises Stopped where a stop was asked for and the store's word does not come. What was
    asked of it is done or not, as when a connection breaks: only the positions in the store say. It is not to
    be asked again after that.
    """

    def __init__(self, store: TurnStore, stop: Callable[[], bool], clock: Clock) -> None:
        self._store = store
        self._stop = stop
        self._clock = clock
        self._todo: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        # As a daemon: a word that never comes must not keep the process from its end.
        Thread(target=self._work, name="store", daemon=True).start()

    def checkpoints(self) -> dict[str, Checkpoint]:
        """How far each partition was read."""
        return self._asked(self._store.checkpoints)

    def write(self, turn: Turn) -> int:
        """All of the turn or nothing of it; returns the mark of the newest window state."""
        return self._asked(lambda: self._store.write(turn))

    def segments_after(self, mark: int) -> tuple[list[Segment], int]:
        """Window state written after the mark, and the newest mark."""
        return self._asked(lambda: self._store.segments_after(mark))

    def _asked(self, call: Callable[[], T]) -> T:
        coming: Future[T] = Future()
        self._todo.put((call, coming))
        until: float | None = None
        while not wait([coming], LOOK_SECONDS).done:
            if not self._stop():
                continue
            now = self._clock.monotonic()
            until = now + PATIENCE_SECONDS if until is None else until
            if now >= until:
                raise Stopped(
                    f"the store has said nothing for {PATIENCE_SECONDS:g} s since a stop was asked for; what"
                    " it does not hold is read again"
                )
        return coming.result()

    def _work(self) -> None:
        while True:
            call, coming = self._todo.get()
            try:
                coming.set_result(call())
            except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
                coming.set_exception(error)
            del call, coming  # or the turn would stay in memory until the next one
