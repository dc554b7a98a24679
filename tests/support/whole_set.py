"""Everything of deploy/compose that this machine can run, running: each service a process."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

from monitor.clock import SystemClock
from tests.support import alertmanager, kafka_jars, log_programs, postgresql_server, prometheus_server
from tests.support.composed import Composed
from tests.support.kafka_server import Kafka, answers, java
from tests.support.postgresql_server import Postgresql, PostgresqlServer

CLOCK = SystemClock()
PATIENCE = 240
"""Seconds that a server may take on a machine that does much else."""
PRIVWATCH = [sys.executable, "-m", "monitor"]


def missing() -> str:
    """Why the set cannot be started here, or an empty string."""
    lacking = (
        kafka_jars.missing(),
        postgresql_server.missing(),
        prometheus_server.missing(),
        alertmanager.missing(),
        log_programs.missing("nginx"),
        log_programs.missing("rsyslogd"),
    )
    return "; ".join(filter(None, lacking))


class WholeSet:
    """The services, started one after the other as compose.yml lets them wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.composed = Composed(folder)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._postgresql: PostgresqlServer | None = None

    def url(self, service: str, port: int) -> str:
        """Where a service's page is."""
        return f"http://{self.composed.address(service, port)}"

    def password(self, name: str) -> str:
        """A secret that demo.sh made up."""
        return (self.composed.compose / "secrets" / name).read_text(encoding="utf-8")

    def said(self, service: str) -> str:
        """What a service wrote on its outputs."""
        return (self.folder / f"{service}.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start everything; returns once all of it answers."""
        self._kafka()
        self._postgres()
        self._web_server()
        self.run("rsyslog", self.composed.command("rsyslog"))
        for service, port, found in (
            ("prometheus", 9090, prometheus_server.tool("prometheus")),
            ("alertmanager", 9093, alertmanager.program()),
        ):
            where = f"--web.listen-address={self.composed.address(service, port)}"
            self.run(service, [str(found), *self.composed.command(service), where])
        self._privwatch()
        for service, port, path in (
            ("prometheus", 9090, "/-/ready"),
            ("alertmanager", 9093, "/-/ready"),
            ("web", 8443, "/sign-in"),
        ):
            self.wait_for(lambda: self.answers(service, port, path), f"{service} answers")  # noqa: B023 - now

    def listens(self, service: str, port: int) -> bool:
        """Whether somebody takes connections there; nothing is asked, so no log has a line of it."""
        host, _, number = self.composed.address(service, port).partition(":")
        with socket.socket() as one:
            return one.connect_ex((host, int(number))) == 0

    def run(self, service: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a service's process, its files placed; what it says is kept."""
        if not (self.folder / service).exists():
            self.composed.place(service)
        with (self.folder / f"{service}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
            )
        self._running.append((service, process))
        return process

    def wait_for(self, ask: Callable[[], object], what: str) -> object:
        """What is asked, once it is something."""
        until = CLOCK.monotonic() + PATIENCE
        while not (found := ask()):
            for service, process in self._running:
                assert process.poll() is None, f"{service} ended:\n{self.said(service)[-2000:]}"
            assert CLOCK.monotonic() < until, f"not within {PATIENCE} s: {what}"
            CLOCK.sleep(0.1)
        return found

    def answers(self, service: str, port: int, path: str) -> bool:
        """Whether a page of a service is there."""
        try:
            with urllib.request.urlopen(self.url(service, port) + path, timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            return False

    def stop(self, service: str) -> Callable[[], object]:
        """Stop a service; returns what starts it again, its data as it left them."""
        (found,) = [one for one in self._running if one[0] == service]
        self._running.remove(found)
        _ended(*found)
        return lambda: self.run(service, list(found[1].args))

    def close(self) -> None:
        """Stop all of it."""
        for service, process in reversed(self._running):
            _ended(service, process)
        if self._postgresql is not None:
            self._postgresql.close()

    def _kafka(self) -> None:
        """The broker, and the topics that the service `topics` makes."""
        composed = self.composed
        composed.place("kafka")
        config = str(self.folder / "kafka" / "mnt" / "shared" / "config" / "server.properties")
        identity = "cHJpdndhdGNoLWRlbW8tMQ"  # any 16 bytes in base64
        storage = [*java(), "kafka.tools.StorageTool", "format", "-t", identity, "-c", config]
        subprocess.run(storage, check=True, capture_output=True, timeout=PATIENCE)
        self.run("kafka", [*java(), "kafka.Kafka", config])
        self.wait_for(lambda: answers(composed.address("kafka", 9092)), "Kafka answers")
        (script,) = composed.services["topics"]["command"]
        names = script.partition("for topic in ")[2].partition(";")[0].split()
        partitions = int(script.partition("--partitions ")[2].split()[0])
        assert len(names) == 2
        for name in names:
            Kafka(composed.address("kafka", 9092)).topic(partitions, name=name)

    def _postgres(self) -> None:
        """A cluster and a database as the image makes them of its environment."""
        said = self.composed.services["postgres"]["environment"]
        secret = self.password(Path(said["POSTGRES_PASSWORD_FILE"]).name)
        port = self.composed.ports["postgres", 5432]
        self._postgresql = PostgresqlServer(said["POSTGRES_USER"], secret, port)
        self._postgresql.start()
        Postgresql(self._postgresql.url).database(said["POSTGRES_DB"])

    def _web_server(self) -> None:
        """nginx, on a port of its own."""
        _, *options = self.composed.command("nginx")
        self.composed.place("nginx")
        config = self.folder / "nginx" / "etc" / "nginx" / "nginx.conf"
        text = config.read_text(encoding="utf-8")
        listening = text.replace("listen 8080;", f"listen {self.composed.address('nginx', 8080)};")
        assert listening != text
        config.write_text(listening, encoding="utf-8")
        self.run("nginx", [log_programs.needed("nginx"), *options])
        self.wait_for(lambda: self.listens("nginx", 8080), "nginx listens")

    def _privwatch(self) -> None:
        """The daemon, the account, the pages."""
        port = str(self.composed.ports["privwatch", 9108])
        page = {"PRIVWATCH__METRICS__HOST": "127.0.0.1", "PRIVWATCH__METRICS__PORT": port}
        self.run("privwatch", [*PRIVWATCH, *self.composed.command("privwatch")], **page)
        self.wait_for(lambda: self.answers("privwatch", 9108, "/readyz"), "the daemon is ready")
        self.composed.place("account")
        (script,) = self.composed.command("account")
        subprocess.run(
            ["/bin/sh", "-c", script.replace("privwatch account", f"{' '.join(PRIVWATCH)} account")],
            check=True,
            timeout=PATIENCE,
        )
        told = [word.replace("0.0.0.0", "127.0.0.1") for word in self.composed.command("web")]
        told[told.index("8443")] = str(self.composed.ports["web", 8443])
        self.run("web", [*PRIVWATCH, *told])

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ended(service: str, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        print(f"{service} had to be killed")
        process.kill()
        process.wait(30)
