"""A real HTTP server on the loopback address: remembers what it was sent, answers as it is told."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, Self

from monitor.clock import SystemClock

CLOCK = SystemClock()

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Posted:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def status(code: int, **headers: str) -> Behaviour:
    """Answer with this status."""

    def answer(handler: "Handler") -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    return answer


def hang(handler: "Handler") -> None:
    """Take the request in and never answer."""
    handler.receiver.released.wait(60)


def drop(handler: "Handler") -> None:
    """Take the request in and break the connection."""
    handler.close_connection = True


def endless(handler: "Handler") -> None:
    """Answer with success and a body that does not end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.receiver.released.wait(0.01):
        handler.wfile.write(b"x" * 1024)


def garbage(handler: "Handler") -> None:
    """Answer with something that is not HTTP."""
    handler.wfile.write(b"\x00\x01 no such protocol\r\n\r\n")
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    """Hands the request over and does what the receiver says."""

    receiver: "Receiver"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        posted = Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
        behaviour = self.receiver.take(posted)
        try:
            behaviour(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Receiver:
    """The server; `script` holds what it does next, then it answers 200."""

    def __init__(self, port: int = 0) -> None:
        handler = type("Bound", (Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._changed = Condition()
        self.released = Event()
        self.posted: list[Posted] = []
        self.script: deque[Behaviour] = deque()
        self.always: Behaviour = status(200)
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def take(self, posted: Posted) -> Behaviour:
        with self._changed:
            self.posted.append(posted)
            self._changed.notify_all()
            return self.script.popleft() if self.script else self.always

    def wait_for(self, wanted: Callable[[list[Posted]], bool], seconds: float = 30) -> None:
        """Until what was posted is as wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self.posted), seconds), [
                p.document for p in self.posted
            ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
