"""Going on after a turn that could not be written: a partition moved away, or the store is away for now.

Nothing of such a turn is in the store, or, where the connection broke during the commit, all of it: only the
positions in the store say. So the turn is dropped, and source and windows start over from the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from monitor.clock import Clock
from monitor.errors import FencedError, PrivwatchError, StoreAwayError

log = logging.getLogger(__name__)

LONGEST_PAUSE = 3.0
"""Seconds between two tries at most."""

LOOK_SECONDS = 0.2
"""How soon a stop is heeded within a pause."""

PASSING = (FencedError, StoreAwayError)
"""What a turn may fail with and be taken again."""


class Again:
    """Takes turns until one was written, each after a growing pause when the one before failed.

    Args:
        turn: one turn, told how many seconds to wait for records; returns how many batches it wrote.
        drop: told why the turn at hand is dropped.
        start_over: makes source and windows go on from the store.
        stop: asked between tries.
        exhausted: whether nothing will come any more; asked after a turn that read nothing.
        between: called before every turn and every pause; nothing is in flight then.
        clock: for the pauses.
    """

    def __init__(
        self,
        *,
        turn: Callable[[float], int],
        drop: Callable[[PrivwatchError], None],
        start_over: Callable[[], None],
        stop: Callable[[], bool],
        exhausted: Callable[[], bool] = lambda: False,
        between: Callable[[], None] = lambda: None,
        clock: Clock,
    ) -> None:
        self._turn = turn
        self._drop = drop
        self._start_over = start_over
        self._stop = stop
        self._exhausted = exhausted
        self._between = between
        self._clock = clock
        self._dropped = False

    def until_written(self, poll_seconds: float) -> None:
        """Return once a turn was written, nothing is left to read, or a stop was asked for.

        Raises:
            PrivwatchError: what trying again does not help.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(PASSING),
            wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE),
            sleep=self._pause,
            before_sleep=self._note,
            reraise=True,
        )
        retrying(self._try, poll_seconds)

    def _try(self, poll_seconds: float) -> None:
        if self._dropped and not self._stop():
            self._start_over()
            self._dropped = False
        while not self._stop():
            self._between()
            if self._turn(poll_seconds) or self._exhausted():
                return

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self._stop():
            self._clock.sleep(min(seconds, LOOK_SECONDS))
            seconds -= LOOK_SECONDS

    def _note(self, state: RetryCallState) -> None:
        """Say why, and count what was dropped."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, PrivwatchError):
            log.warning("%s; going on from the positions in the store", error)
            if not self._dropped:
                self._drop(error)
        self._dropped = True
        self._between()
