"""Strangers at the daemon's page, slow, long-winded, talking rubbish, hundreds at once: it reads on.

PRIVWATCH_TEST_STRANGERS says how many come at once: some hundred in `make test`, 1000 and more by hand.
"""

import json
import os
import resource
import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from monitor.clock import SystemClock
from tests.real.test_follow_run import counts, daemon, wait_until
from tests.real.test_kafka_run import Daemon
from tests.support.certificates import authority

CLOCK = SystemClock()
STRANGERS = int(os.environ.get("PRIVWATCH_TEST_STRANGERS", "300"))
SECONDS = 1.0
"""How long an attack goes on before anything is asked of the daemon."""

GROWTH_MB = 24
"""A thousand connections that were kept, each with a thread or its 64 KB, would be more."""


def address(daemon: Daemon) -> tuple[str, int]:
    host, _, port = daemon.url.partition("://")[2].removesuffix("/metrics").rpartition(":")
    return host, int(port)


def slow(connection: socket.socket, over: Event) -> None:
    """A byte now and then, never a whole question."""
    connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    while not over.wait(0.2):
        connection.sendall(b"x")


def silent(connection: socket.socket, over: Event) -> None:
    over.wait()


def huge(connection: socket.socket, over: Event) -> None:
    """A hundred headers of 64 KB each, which Python's own server would keep all of."""
    connection.sendall(b"GET /metrics HTTP/1.1\r\n")
    for number in range(100):
        connection.sendall(b"X-%d: " % number + b"x" * 65_000 + b"\r\n")


def deaf(connection: socket.socket, over: Event) -> None:
    """Asks, and does not take the answer."""
    connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    over.wait()


def rubbish(connection: socket.socket, over: Event) -> None:
    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200))
    over.wait()


ATTACKS = {False: (slow, silent, huge, deaf), True: (silent, rubbish)}
"""In clear, and where TLS comes first."""


@contextmanager
def attacked(where: tuple[str, int], attack: Callable[[socket.socket, Event], None]) -> Iterator[None]:
    """All strangers at once; whoever is cut off comes again, as long as it lasts."""
    over = Event()

    def stranger() -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(where, timeout=10) as connection:
                attack(connection, over)
            over.wait(0.5)

    threads = [Thread(target=stranger, daemon=True) for _ in range(STRANGERS)]
    with ExitStack() as stack:
        for one in threads:
            stack.callback(one.join, 30)
        stack.callback(over.set)
        for one in threads:
            one.start()
        yield


@contextmanager
def many_files() -> Iterator[None]:
    """The strangers are in this process, which may hold open as many files as there is any right to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def held(daemon: Daemon) -> tuple[int, int, float]:
    """Threads, open files, resident megabytes."""
    at = Path(f"/proc/{daemon.process.pid}")
    status = dict(line.split(":", 1) for line in (at / "status").read_text().splitlines() if ":" in line)
    return int(status["Threads"]), len(list((at / "fd").iterdir())), int(status["VmRSS"].split()[0]) / 1024


class Attacked:
    """A daemon that follows a file, and a probe of it."""

    def __init__(self, folder: Path, metrics: dict[str, object], trusted: ssl.SSLContext | None) -> None:
        self._folder, self._trusted, self._written = folder, trusted, 0
        self._log = folder / "app.log"
        self._log.write_text("")
        files = {"app": {"paths": str(self._log), "format": "text"}}
        self.daemon = daemon(folder, files, metrics=metrics)

    def healthy(self) -> bool:
        url = self.daemon.url.replace("/metrics", "/healthz")
        with suppress(OSError), urllib.request.urlopen(url, timeout=5, context=self._trusted) as page:
            return json.load(page)["status"] == "ok"
        return False

    def goes_on(self) -> None:
        """What is written now is stored, and a probe answered, soon."""
        with self._log.open("a") as file:
            file.write("2026-11-16T09:00:00Z all is well\n" * 100)
        self._written += 100
        wait_until(lambda: self._stored() == self._written, lambda: (self._stored(), self._written))
        wait_until(self.healthy, lambda: "the probe had no answer")

    def _stored(self) -> int:
        return counts(self._folder / "store.db")["event", "events"]

    def held(self) -> tuple[int, int, float]:
        """Threads, open files, resident megabytes."""
        at = Path(f"/proc/{self.daemon.process.pid}")
        status = dict(line.split(":", 1) for line in (at / "status").read_text().splitlines() if ":" in line)
        return (
            int(status["Threads"]),
            len(list((at / "fd").iterdir())),
            int(status["VmRSS"].split()[0]) / 1024,
        )


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_strangers_at_its_page_hold_up_neither_the_daemon_nor_a_probe(tmp_path, tls):
    metrics: dict[str, object] = {"port": 0}
    trusted = None
    if tls:
        files = authority(tmp_path, "tls")
        metrics |= {"tls": {"cert": str(files.server), "key": str(files.server_key)}}
        trusted = ssl.create_default_context(cafile=str(files.ca))
    with many_files():
        one = Attacked(tmp_path, metrics, trusted)
        assert one.healthy()
        one.goes_on()
        before = one.held()
        for attack in ATTACKS[tls]:
            with attacked(address(one.daemon), attack):
                CLOCK.sleep(SECONDS)
                one.goes_on()
        # What they left is gone once it was found that they went; a pool of threads may have grown meanwhile.
        wait_until(lambda: all(one.held()[n] <= before[n] + 2 for n in (0, 1)), lambda: (before, one.held()))
        after = one.held()
        print(
            f"{STRANGERS} strangers, {len(ATTACKS[tls])} attacks: threads, files, MB {before}, then {after}"
        )
        assert after[2] - before[2] < GROWTH_MB
        assert one.daemon.stop() == 0
        assert "Traceback" not in one.daemon.rest
