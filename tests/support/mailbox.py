"""A real SMTP server on the loopback address that keeps the mails it is given (RFC 5321)."""

import base64
import email
import email.policy
import socketserver
import ssl
from email.message import EmailMessage
from threading import Condition, Thread
from typing import Self

from tests.support.certificates import Certificates

READY, FINE, GO_ON, BYE = b"220 mailbox\r\n", b"250 fine\r\n", b"354 go on\r\n", b"221 bye\r\n"


class _Talk(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        try:
            self._talk()
        except ssl.SSLError:
            return  # whoever called does not trust us, and has gone

    def finish(self) -> None:
        for one in (self.rfile, self.wfile, self.connection):
            one.close()

    def _talk(self) -> None:
        box = self.server.mailbox
        if box.implicit:
            self._over_tls()
        self.wfile.write(READY)
        trusted = not box.login
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"QUIT":
                self.wfile.write(BYE)
                return
            if word == b"EHLO":
                self.wfile.write(b"250-mailbox\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
                continue
            if word == b"STARTTLS":
                self.wfile.write(READY)
                self._over_tls()
                continue
            if word == b"AUTH":
                said = base64.b64decode(line.split()[-1]).decode().split("\0")[1:]
                trusted = trusted or tuple(said) == box.login
                self.wfile.write(b"235 in\r\n" if trusted else b"535 no\r\n")
                continue
            if word == b"RCPT" and (not trusted or box.refuses):
                self.wfile.write(b"550 not for somebody@example.org\r\n")
                continue
            if word == b"DATA":
                self.wfile.write(GO_ON)
                box.keep(self._message(), encrypted=isinstance(self.connection, ssl.SSLSocket))
            self.wfile.write(FINE)

    def _over_tls(self) -> None:
        assert self.server.mailbox.tls is not None
        self.rfile.close()
        self.wfile.close()
        self.connection = self.server.mailbox.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)

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
    """The server; `mails` is what came, oldest first.

    With certificates it speaks TLS, after STARTTLS or (`implicit`) from the start; with a login it takes mail
    from nobody else. `encrypted` says of each mail whether it came that way; while `refuses`, none is taken.
    """

    def __init__(
        self,
        certificates: Certificates | None = None,
        *,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.tls: ssl.SSLContext | None = None
        if certificates is not None:
            self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.tls.load_cert_chain(certificates.server, certificates.server_key)
        self.implicit, self.login, self.refuses = implicit, login, False
        self.encrypted: list[bool] = []
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._changed = Condition()
        self.mails: list[EmailMessage] = []
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def keep(self, raw: bytes, *, encrypted: bool = False) -> None:
        """Take one mail in."""
        with self._changed:
            self.encrypted.append(encrypted)
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
