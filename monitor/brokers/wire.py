"""A connection to one broker by hand: the few requests that tell whether it lets us in.

Layouts as the protocol guide of Apache Kafka has them: ApiVersions (version 0), SaslHandshake (version 1) and
SaslAuthenticate (version 0), each older than Kafka 1.0 and still spoken by Kafka 4.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Final, Self

from monitor.brokers.access import Tls, tls_context
from monitor.clock import Clock

NO_ERROR: Final = 0
UNSUPPORTED_MECHANISM: Final = 33
ILLEGAL_SASL_STATE: Final = 34
AUTHENTICATION_FAILED: Final = 58
_API_VERSIONS: Final = 18
_HANDSHAKE: Final = 17
_AUTHENTICATE: Final = 36
_MOST_BYTES: Final = 1 << 20
_ALERT: Final = b"\x15\x03"
"""How a record of TLS begins that says what is wrong (RFC 8446, section 5.1)."""


class ClosedError(Exception):
    """The other end closed the connection instead of an answer."""


class SpeaksTlsError(Exception):
    """We spoke in clear, and the answer was one of TLS."""


class NoBrokerError(Exception):
    """The answer is not one of the protocol."""


class Wire:
    """One connection, TLS and all; every method may raise OSError, and ClosedError where an answer lacks.

    Args:
        address: `host:port`.
        seconds: how long all of it may take, from here on; an answer that comes byte by byte is cut off.
        clock: counts them.
    """

    def __init__(self, address: str, tls: Tls | None, seconds: float, clock: Clock) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        self._clock, self._until = clock, clock.monotonic() + seconds
        self._socket = socket.create_connection((host, int(port)), seconds)
        self._clear = tls is None
        self._asked = 0
        if tls is not None:
            try:
                self._hurry()
                self._socket = tls_context(tls).wrap_socket(self._socket, server_hostname=host)
            except BaseException:
                self._socket.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def versions(self) -> int:
        """Ask what every client asks first, and every listener answers; returns the error code."""
        return _Answer(self._ask(_API_VERSIONS, 0, b"")).number()

    def handshake(self, mechanism: str) -> tuple[int, Sequence[str]]:
        """Name a mechanism of SASL; returns the error code and the mechanisms that are offered."""
        answer = _Answer(self._ask(_HANDSHAKE, 1, _text(mechanism)))
        return answer.number(), answer.texts()

    def authenticate(self, token: bytes) -> tuple[int, bytes]:
        """Send what the mechanism says; returns the error code and what the other end says to it."""
        answer = _Answer(self._ask(_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token))
        code = answer.number()
        answer.text()  # for people, in words of the broker's
        return code, answer.octets()

    def _ask(self, api: int, version: int, body: bytes) -> bytes:
        self._asked += 1
        request = struct.pack(">hhi", api, version, self._asked) + _text("privwatch") + body
        self._hurry()
        self._socket.sendall(struct.pack(">i", len(request)) + request)
        start = self._exactly(4)
        if self._clear and start[:2] == _ALERT:
            raise SpeaksTlsError
        (length,) = struct.unpack(">i", start)
        if not 4 < length <= _MOST_BYTES:
            raise NoBrokerError
        answer = self._exactly(length)
        if struct.unpack(">i", answer[:4]) != (self._asked,):
            raise NoBrokerError
        return answer[4:]

    def _hurry(self) -> None:
        """The next step has what is left of the time."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _exactly(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            self._hurry()
            some = self._socket.recv(length - len(found))
            if not some:
                raise ClosedError
            found += some
        return bytes(found)


class _Answer:
    """The fields of an answer, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _field(self, form: str) -> int:
        try:
            (value,) = struct.unpack_from(form, self._data, self._at)
        except struct.error:
            raise NoBrokerError from None
        self._at += struct.calcsize(form)
        return int(value)

    def _bytes(self, length: int) -> bytes:
        found = self._data[self._at : self._at + max(length, 0)]
        self._at += len(found)
        return found

    def number(self) -> int:
        return self._field(">h")

    def text(self) -> str:
        return self._bytes(self._field(">h")).decode("utf-8", "replace")

    def octets(self) -> bytes:
        return self._bytes(self._field(">i"))

    def texts(self) -> Sequence[str]:
        return [self.text() for _ in range(min(self._field(">i"), len(self._data)))]


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data
