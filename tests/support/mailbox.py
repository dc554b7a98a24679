"""A real SMTP server on the loopback address that keeps the mails it is given (RFC 5321)."""

import email
import email.policy
import socketserver
from email.message import EmailMessage
from threading import Condition, Thread
from typing import Self

READY, FINE, GO_ON, BYE = b"220 mailbox\r\n", b"250 fine\r\n", b"354 go on\r\n", b"221 bye\r\n"


class _Talk(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self.wfile.write(READY)
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"QUIT":
                self.wfile.write(BYE)
                return
            if word == b"DATA":
                self.wfile.write(GO_ON)
                self.server.mailbox.keep(self._message())
            self.wfile.write(FINE)

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, mailbox: "Mailbox") -> None:
        self.mailbox = mailbox
        super().__init__(("127.0.0.1", 0), _Talk)


class Mailbox:
    """The server; `mails` is what came, oldest first."""

    def __init__(self) -> None:
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._changed = Condition()
        self.mails: list[EmailMessage] = []
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def keep(self, raw: bytes) -> None:
        """Take one mail in."""
        with self._changed:
            self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))  # type: ignore[arg-type]
            self._changed.notify_all()

    def wait_for(self, count: int, seconds: float = 30) -> list[EmailMessage]:
        """All mails, once there are that many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.mails) >= count, seconds), self.mails
            return list(self.mails)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
