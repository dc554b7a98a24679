"""Serving the site: where it may be reached, over what, and its threads beside it."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import uvicorn

from monitor.errors import PrivwatchError, SettingsError
from monitor.web.site import Site, application

log = logging.getLogger(__name__)

GATHER_SECONDS = 300.0
"""How often what was found meanwhile is taken in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is reached; `insecure` says that it may be in clear where other machines reach it."""

    host: str = "127.0.0.1"
    port: int = 8443
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.cert is not None


def check_place(place: Place) -> None:
    """See that nothing would be in clear between machines.

    Raises:
        SettingsError: it would, or a certificate lacks its key or cannot be read.
    """
    if (place.cert is None) != (place.key is None):
        raise SettingsError("a certificate needs its key; give both --cert and --cert-key")
    for file in (place.cert, place.key):
        if file is not None and not file.is_file():
            raise SettingsError(f"{file}: there is no such file; --cert and --cert-key want PEM files")
    if not place.secure and not place.insecure and not _loopback(place.host):
        raise SettingsError(
            f"{place.host} is reached by other machines, and passwords would be in clear; give --cert and "
            "--cert-key, or keep --host 127.0.0.1 behind a proxy that does TLS, or, where the network "
            "between is yours alone, say --insecure"
        )


def serve(site: Site, place: Place, started: Callable[[str], None]) -> None:
    """Answer until SIGTERM or Ctrl-C.

    Args:
        site: what is served.
        place: where.
        started: told the address once it answers.

    Raises:
        SettingsError: the address cannot be had.
    """
    check_place(place)
    taken = _bound(place)
    config = uvicorn.Config(
        application(site),
        ssl_certfile=place.cert,
        ssl_keyfile=place.key,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=10,
        h11_max_incomplete_event_size=32 * 1024,
        limit_concurrency=64,
        timeout_graceful_shutdown=5,
    )
    stop = Event()
    gatherer = Thread(target=_gather, args=(site, stop), daemon=True)
    gatherer.start()
    shown = f"[{place.host}]" if ":" in place.host else place.host
    started(f"{'https' if place.secure else 'http'}://{shown}:{taken.getsockname()[1]}/")
    try:
        uvicorn.Server(config).run(sockets=[taken])
    finally:
        stop.set()
        gatherer.join(10)


def _gather(site: Site, stop: Event) -> None:
    """Take in what is found meanwhile, now and again."""
    while not stop.wait(GATHER_SECONDS):
        try:
            site.desk.catch_up()
        except PrivwatchError as error:
            log.warning("what was found meanwhile is not shown yet: %s", error)
        except Exception as error:  # noqa: BLE001 - the next round may succeed; a message could quote evidence
            log.error("what was found meanwhile could not be taken in: %s", type(error).__name__)  # noqa: TRY400 - as above


def _bound(place: Place) -> socket.socket:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)  # who comes before the first answer waits
    except OSError as error:
        raise SettingsError(
            f"{place.host} port {place.port}: cannot answer there ({error.strerror}); choose with --port"
        ) from error
    return taken


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
