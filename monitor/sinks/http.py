"""The daemon's page: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts and stops it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any, BinaryIO, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from monitor.errors import SettingsError
from monitor.sinks.connections import Connections
from monitor.sinks.password import Check, checker

log = logging.getLogger(__name__)

CONNECTIONS = 64
"""Requests heard and answered at once, so that nobody can take all of the daemon's threads."""

QUESTION_BYTES = 65_536
"""Of a request with all its headers; what is longer is cut off unread."""

REQUEST_SECONDS = 10
"""How long one side of a connection may keep the other waiting."""

Answer = tuple[bool, Mapping[str, str]]
"""Whether all is well, and what is known by name: words of ours, never of an event."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Where to answer, over what, and to whom."""

    host: str = "127.0.0.1"
    port: int = 9108
    insecure: bool = False
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_hash: str | None = None
    password_file: Path | None = None


def check_options(options: HttpOptions) -> tuple[ssl.SSLContext | None, Check | None]:
    """The certificate and the password where there are any.

    Raises:
        SettingsError: they cannot be used, or the page would be in clear where other machines reach it.
    """
    context = _context(options)
    if context is None and not options.insecure and not _loopback(options.host):
        raise SettingsError(
            f"metrics: {options.host} is reached by other machines, and the page would be in clear; set "
            "metrics.tls.cert and metrics.tls.key, or keep metrics.host: 127.0.0.1, or, where the network "
            "between is yours alone, say metrics.insecure: true"
        )
    if options.user is None:
        if options.password_hash is not None or options.password_file is not None:
            raise SettingsError("metrics.auth: a password without a user; set metrics.auth.user")
        return context, None
    if (options.password_hash is None) == (options.password_file is None):
        raise SettingsError(
            "metrics.auth: set one of password_hash and password_file for the user; "
            "`privwatch config --hash-password` makes the hash"
        )
    return context, checker(options.user, options.password_hash, options.password_file)


def _context(options: HttpOptions) -> ssl.SSLContext | None:
    if options.cert is None and options.key is None:
        return None
    if options.cert is None or options.key is None:
        raise SettingsError("metrics.tls: a certificate needs its key; set both metrics.tls.cert and .key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, options.cert, options.key)
    return context


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        # An empty password: a key that wants one must not ask the terminal for it.
        context.load_cert_chain(cert, key, password="")
    except OSError as error:
        raise SettingsError(
            f"metrics.tls: {cert} and {key} cannot be used ({error.strerror or type(error).__name__}); name "
            "a certificate and its key without a passphrase, in PEM, that this user may read"
        ) from error


def _addresses(host: str, port: int = 0) -> list[tuple[socket.AddressFamily, Any]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(
            f"metrics: there is no address {host} ({error.strerror or error}); set metrics.host to an "
            "address of this machine"
        ) from error
    return [(family, address) for family, _, _, _, address in found]


def _loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return all(ipaddress.ip_address(str(at[0]).partition("%")[0]).is_loopback for _, at in _addresses(host))


class Page:
    """The WSGI application: three paths, two methods."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        healthy: Callable[[], Answer],
        ready: Callable[[], Answer],
        allowed: Check | None,
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._answers = {"/healthz": healthy, "/readyz": ready}
        self._allowed = allowed

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        try:
            body = self._answer(environ, start_response)
        except Exception:
            log.exception("a request could not be answered")
            body = _plain(start_response, "500 Internal Server Error")
        return body if environ["REQUEST_METHOD"] != "HEAD" else ()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != "/metrics" and path not in self._answers:
            return _plain(start_response, "404 Not Found")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _plain(start_response, "405 Method Not Allowed", ("Allow", "GET, HEAD"))
        known = self._allowed is None or _credentials_hold(
            self._allowed, environ.get("HTTP_AUTHORIZATION", "")
        )
        if path in self._answers:
            return _told(start_response, *self._answers[path](), details=known)
        if not known:
            challenge = ("WWW-Authenticate", 'Basic realm="privwatch", charset="UTF-8"')
            return _plain(start_response, "401 Unauthorized", challenge)
        return list(self._metrics({**environ, "REQUEST_METHOD": "GET"}, start_response))


def _credentials_hold(allowed: Check, header: str) -> bool:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(colon) and allowed(user, password)


def _told(
    start_response: Callable[..., Any],
    well: bool,  # noqa: FBT001 - the first half of an Answer
    known: Mapping[str, str],
    *,
    details: bool,
) -> list[bytes]:
    told = {"status": "ok" if well else "failing", **(known if details else {})}
    body = json.dumps(told).encode() + b"\n"
    status = "200 OK" if well else "503 Service Unavailable"
    return _sent(start_response, status, body, ("Content-Type", "application/json"))


def _plain(start_response: Callable[..., Any], status: str, *more: tuple[str, str]) -> list[bytes]:
    return _sent(
        start_response, status, f"{status}\n".encode(), ("Content-Type", "text/plain; charset=utf-8"), *more
    )


def _sent(
    start_response: Callable[..., Any], status: str, body: bytes, *more: tuple[str, str]
) -> list[bytes]:
    length = ("Content-Length", str(len(body)))
    start_response(
        status, [*more, length, ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
    )
    return [body]


class _Question:
    """What a connection says, line by line, up to a bound of all of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = QUESTION_BYTES

    def readline(self, size: int = -1) -> bytes:
        """As a file has it.

        Raises:
            ConnectionAbortedError: the whole is too long.
        """
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise ConnectionAbortedError("the request is too long")
        return line

    def close(self) -> None:
        """As a file has it."""
        self._file.close()


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS
    server_version = "privwatch"
    sys_version = ""

    def __init__(
        self,
        request: Any,  # noqa: ANN401 - theirs
        address: Any,  # noqa: ANN401 - theirs
        server: _Server,
        asked: Callable[[], None],
    ) -> None:
        self._asked = asked
        super().__init__(request, address, server)

    def setup(self) -> None:
        """Nobody sends a body, so that lines are all there is to read."""
        super().setup()
        self.rfile = cast("Any", _Question(cast("BinaryIO", self.rfile)))

    def parse_request(self) -> bool:
        """The question is heard to its end."""
        heard = super().parse_request()
        self._asked()
        return heard

    def log_message(self, *_: object) -> None:
        """Who asked for what is nobody's business: a URL can hold anything."""


class _Server(WSGIServer):
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, address: Any, context: ssl.SSLContext | None) -> None:  # noqa: ANN401 - an address has the shape of its family
        self.address_family = family
        self._context = context
        self._connections = Connections(CONNECTIONS)
        super().__init__(address, WSGIRequestHandler)

    def server_bind(self) -> None:
        """Without the name lookup of the library, which can take half a minute."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        number = self._connections.came(request)
        try:
            Thread(target=self._answer, args=(number, request, client_address), daemon=True).start()
        except RuntimeError:  # no thread can be had; the caller lets go of the connection
            self._connections.went(number)
            raise

    def _answer(self, number: int, request: Any, client_address: Any) -> None:  # noqa: ANN401 - theirs
        """Shake hands here, in the request's own thread: whoever connects and is silent holds up nobody."""
        try:
            request.settimeout(REQUEST_SECONDS)
            if self._context is not None:
                # The handshake comes later: until then the old object is no connection any more.
                request = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                self._connections.became(number, request)
                request.do_handshake()
            _Handler(request, client_address, self, lambda: self._connections.asked(number))
        except Exception:  # noqa: BLE001 - whatever a stranger sends, and what the thread cannot answer
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)
            self._connections.went(number)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - theirs
        log.debug("a connection to the page broke off")


class HttpServer:
    """The page, answered from threads of its own; `port` is the one bound, also where 0 was asked for."""

    def __init__(self, options: HttpOptions, server: _Server, context: ssl.SSLContext | None) -> None:
        self._options = options
        self._server = server
        self._context = context
        self._thread = Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()
        self.port = int(server.server_port)

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return f"http{'' if self._context is None else 's'}://{host}:{self.port}/metrics"

    def renew(self) -> None:
        """Read the certificate anew; where that fails the one in use stays.

        Raises:
            SettingsError: it cannot be used.
        """
        if self._context is not None and self._options.cert and self._options.key:
            _context(self._options)  # a half of a pair must not be left in the context in use
            _load(self._context, self._options.cert, self._options.key)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    options: HttpOptions,
    registry: CollectorRegistry,
    *,
    healthy: Callable[[], Answer],
    ready: Callable[[], Answer],
) -> HttpServer:
    """Begin to answer.

    Raises:
        SettingsError: see `check_options`; or the address cannot be bound.
    """
    context, allowed = check_options(options)
    family, address = _addresses(options.host, options.port)[0]
    try:
        server = _Server(family, address, context)
    except OSError as error:
        raise SettingsError(
            f"metrics: {options.host}:{options.port} cannot be listened on ({error.strerror or error}); "
            "set metrics.host and metrics.port to an address of this machine and a free port"
        ) from error
    server.set_app(Page(registry, healthy=healthy, ready=ready, allowed=allowed))
    return HttpServer(options, server, context)
