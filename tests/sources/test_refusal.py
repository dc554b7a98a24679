"""Asking a broker by hand, where what answers is none, or means harm."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from threading import Event, Thread

import pytest

from monitor.brokers.access import Brokers, Sasl
from monitor.brokers.refusal import Refusal, refusals
from monitor.clock import SystemClock

PASSWORD = "a-password-for-tests"
SECONDS = 0.4
PAUSE = 0.05

Answers = Callable[[socket.socket], None]


def asked(connection: socket.socket) -> tuple[int, bytes]:
    """A request: its number among ours, and what it says after its head."""
    (length,) = struct.unpack(">i", connection.recv(4))
    data = connection.recv(length, socket.MSG_WAITALL)
    (number,) = struct.unpack(">i", data[4:8])
    return number, data[8:]


def answer(connection: socket.socket, number: int, body: bytes) -> None:
    connection.sendall(struct.pack(">ii", len(body) + 4, number) + body)


@pytest.fixture
def listening() -> Iterator[Callable[[Answers], str]]:
    """Starts what answers one connection; returns its address."""
    with ExitStack() as stack:

        def start(answers: Answers) -> str:
            server = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
            thread = Thread(target=serve, args=(server, answers), daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield start


def serve(server: socket.socket, answers: Answers) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        answers(connection)


def refusal(address: str, sasl: Sasl | None = None) -> Refusal:
    found = refusals(Brokers((address,), None, sasl), SECONDS, SystemClock())
    assert found is not None
    ((_, one),) = found.found
    assert PASSWORD not in found.words()
    return one


def test_an_answer_that_never_ends_is_cut_off(listening):
    def byte_by_byte(connection: socket.socket) -> None:
        number, _ = asked(connection)
        connection.sendall(struct.pack(">ii", 1000, number))
        for _ in range(100):
            Event().wait(PAUSE)
            connection.sendall(b"\0")

    one = refusal(listening(byte_by_byte))
    assert (one.what, one.certain) == (f"no answer within {SECONDS:g} s", False)


@pytest.mark.parametrize(
    "first",
    ["", "\xff\xfe", "r=another,s=c2FsdA==,i=4096", "r={nonce}x,s=c2FsdA==,i=2000000000", "r={nonce}x"],
)
def test_who_lies_in_scram_is_refused_and_learns_nothing(listening, first: str):
    heard: list[bytes] = []

    def lying(connection: socket.socket) -> None:
        number, _ = asked(connection)
        answer(connection, number, struct.pack(">hi", 0, 0))
        number, _ = asked(connection)
        answer(connection, number, struct.pack(">hi", 0, 0))
        number, said = asked(connection)
        heard.append(said)
        told = first.replace("{nonce}", said.rpartition(b"r=")[2].decode()).encode("latin-1")
        answer(connection, number, struct.pack(">hhi", 0, -1, len(told)) + told)
        heard.append(connection.recv(1000))

    one = refusal(listening(lying), Sasl("SCRAM-SHA-256", "privwatch", PASSWORD))
    assert (one.what, one.certain) == ("it cannot prove that it knows this user's password", True)
    assert heard[1:] in ([], [b""]), "nothing is proved to it"
    assert PASSWORD.encode() not in b"".join(heard)


@pytest.mark.parametrize("length", [-1, 4, 1 << 21])
def test_what_is_no_broker_is_called_so(listening, length: int):
    def strange(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(struct.pack(">i", length) + b"HTTP")

    assert "there is no broker" in refusal(listening(strange)).what
