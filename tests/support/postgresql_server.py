"""A real PostgreSQL for tests: Debian's, a cluster of its own on a free port, as a user that is not root."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from monitor.clock import SystemClock
from tests.support import debian
from tests.support.ports import free_ports

CLOCK = SystemClock()
PASSWORD = "a-password-for-tests"
START_SECONDS = 60
# Tests kill processes, not machines: nothing has to reach the disk.
CONFIG = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
max_connections = 300
shared_buffers = 32MB
"""


def named_server() -> str | None:
    """URL of the server a person gave for the tests; its user may create databases."""
    return os.environ.get("PRIVWATCH_TEST_POSTGRESQL") or None


def missing() -> str:
    """Why PostgreSQL cannot be started here, or an empty string."""
    if _binaries() is None:
        return "PostgreSQL is not installed (`make test` gets Debian's; or PRIVWATCH_TEST_POSTGRESQL=url)"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody"
    return ""


def provision() -> str:
    """Get Debian's PostgreSQL where we may; returns why it could not be had, or an empty string."""
    if _binaries() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # Without this file Debian starts a cluster of its own, which nobody asked for.
        settings = Path("/etc/postgresql-common/createcluster.conf")
        if not settings.exists():
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text("create_main_cluster = false\n", encoding="utf-8")
        debian.install(["postgresql"])
    return missing()


class PostgresqlServer:
    """One cluster; its data lives in a temporary folder.

    Args:
        user: who owns it.
        password: that user's.
        port: where it listens; none takes a free one.
    """

    def __init__(self, user: str = "tester", password: str = PASSWORD, port: int = 0) -> None:
        self._owner, self._password = user, password
        binaries = _binaries()
        assert binaries is not None, missing()
        self._binaries = binaries
        self._user = _user()
        self._folder = Path(tempfile.mkdtemp(prefix="privwatch-postgresql-"))
        self._data = self._folder / "data"
        (self.port,) = [port] if port else free_ports(1)
        secret = self._folder / "secret"
        secret.write_text(password + "\n", encoding="utf-8")
        if self._user is not None:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
        access = ("-U", user, "-A", "scram-sha-256", "--pwfile", str(secret))
        self._run("initdb", "-D", str(self._data), *access, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(CONFIG.format(port=self.port))

    @property
    def url(self) -> str:
        """Address of the database `postgres`, with the password."""
        return f"postgresql://{self._owner}:{self._password}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Of the running server; its processes for connections are its children."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self._folder / "server.log"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(log), "-w", "-t", str(START_SECONDS), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; with mode `immediate` as if it were killed. Its data stays."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop", check=False)

    def close(self) -> None:
        """Stop the server and forget its data."""
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        user = {"user": self._user, "group": self._user_group(), "extra_groups": []} if self._user else {}
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            check=False,
            # Not a pipe: the server would inherit it and keep it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd=self._folder,
            timeout=2 * START_SECONDS,
            **user,
        )
        if check and done.returncode:
            log = self._folder / "server.log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} ended with {done.returncode}\n{tail}")

    def _user_group(self) -> int:
        assert self._user is not None
        return pwd.getpwnam(self._user).pw_gid


class Postgresql:
    """What a test does with a server, its own or one that PRIVWATCH_TEST_POSTGRESQL names."""

    def __init__(self, url: str) -> None:
        self.url = url

    def database(self, name: str = "") -> str:
        """URL of a database of its own, empty."""
        import psycopg  # noqa: PLC0415 - only where PostgreSQL is tested

        name = name or f"privwatch_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.rpartition("/")[0] + f"/{name}"

    def drop(self, url: str) -> None:
        """Forget a database, whoever is still connected."""
        import psycopg  # noqa: PLC0415 - as above

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


def _binaries() -> Path | None:
    """The newest version that Debian installed, or where the PATH has it."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return debian[-1].parent if debian else Path(on_path).parent if on_path else None


def _user() -> str | None:
    """Whom to run the server as; None where we are no root ourselves, or nobody fits."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None
