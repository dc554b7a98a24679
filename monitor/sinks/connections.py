"""Connections answered at once: so many, and when they are all taken the oldest gives way to the next.

So neither who asks slowly nor who comes a thousand at once keeps a probe from its answer: a probe has asked
before it is the oldest of those that still ask, and who still asks goes before who is being answered.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock


class Connections:
    """Who is being heard and answered, in the order they came. Threads share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._asking: dict[int, socket.socket] = {}
        self._answered: dict[int, socket.socket] = {}
        self._number = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._asking) + len(self._answered)

    def came(self, connection: socket.socket) -> int:
        """Its number. Where there are too many, another one is cut off."""
        with self._lock:
            if len(self._asking) + len(self._answered) >= self._most:
                first = self._asking or self._answered
                # Its thread finds the connection ended, whatever it waits for.
                _end(first.pop(next(iter(first))))
            self._number += 1
            self._asking[self._number] = connection
            return self._number

    def became(self, number: int, connection: socket.socket) -> None:
        """Over TLS a connection goes on under another object; one that was cut off meanwhile ends here."""
        with self._lock:
            if number in self._asking:
                self._asking[number] = connection
            else:
                _end(connection)

    def asked(self, number: int) -> None:
        """All of its question is there."""
        with self._lock:
            if number in self._asking:
                self._answered[number] = self._asking.pop(number)

    def went(self, number: int) -> None:
        """It is over."""
        with self._lock:
            self._asking.pop(number, None)
            self._answered.pop(number, None)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of a TLS socket, which would take its state from under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
