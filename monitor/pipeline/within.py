"""Questions that may hang, asked in a thread of their own: whoever asks waits so long and no longer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final, Generic, TypeVar

from monitor.errors import StoreAwayError

ANSWER_SECONDS: Final = 2.0
"""How long a page waits for the store: less than whoever asks for the page."""

T = TypeVar("T")


class Within(Generic[T]):
    """Asks the store, and gives up waiting in time; while it has not answered it is not asked again.

    Args:
        ask: the question, which may hang.
        seconds: to wait for the answer.
    """

    def __init__(self, ask: Callable[[], T], seconds: float = ANSWER_SECONDS) -> None:
        self._ask = ask
        self._seconds = seconds
        self._guard = Lock()
        self._asked: Future[T] | None = None

    def __call__(self) -> T:
        """The answer, or what asking raises.

        Raises:
            StoreAwayError: there is none yet.
        """
        with self._guard:
            if self._asked is None or self._asked.done():
                self._asked = aside(self._ask, "asks the store")
            asked = self._asked
        try:
            return asked.result(self._seconds)
        except TimeoutError:
            raise StoreAwayError(f"the store has not answered within {self._seconds:g} s") from None


def aside(call: Callable[[], T], name: str) -> Future[T]:
    """What a call comes to, in a thread that the process does not wait for at its end."""
    coming: Future[T] = Future()

    def run() -> None:
        try:
            coming.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            coming.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return coming
