"""A store from its backup goes on where the backup was: what came after is read again, and counted once."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from monitor.store.repository import open_store
from tests.real.test_follow_run import TAKEN, counts, replayed, settings_for, wait_until
from tests.real.test_kafka_run import Daemon, told
from tests.support import older_store, postgresql_server
from tests.support.crashes import records
from tests.support.unmet import cannot_run

PATIENCE = 180
Backup = Callable[[], Callable[[], str | Path]]
"""Takes a backup of the running store; returns what restores it, and says where to."""


def of_sqlite(folder: Path) -> Backup:
    """As docs/operations.md says it."""

    def take() -> Callable[[], Path]:
        with closing(sqlite3.connect(folder / "store.db")) as db:
            db.execute("VACUUM INTO ?", (str(folder / "backup.db"),))

        def restore() -> Path:
            shutil.copy(folder / "backup.db", folder / "restored.db")
            return folder / "restored.db"

        return restore

    return take


def into_an_older_schema(folder: Path) -> Backup:
    """The same, and the backup is of the oldest release: an update on top of a restore."""
    take = of_sqlite(folder)

    def older() -> Callable[[], Path]:
        restore = take()

        def made() -> Path:
            older_store.make(folder / "older.db", older_store.REVISIONS[0], restore())
            return folder / "older.db"

        return made

    return older


def of_postgresql(folder: Path, url: str, server: postgresql_server.Postgresql) -> Backup:
    """With what PostgreSQL brings along."""
    programs = postgresql_server._binaries()
    if programs is None:
        cannot_run("no pg_dump on this machine (Debian: postgresql-client)")

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr

    def take() -> Callable[[], str]:
        run("pg_dump", "--format=custom", f"--file={folder / 'backup.dump'}", url)

        def restore() -> str:
            fresh = server.database()
            run(
                "pg_restore",
                "--no-owner",
                "--exit-on-error",
                f"--dbname={fresh}",
                str(folder / "backup.dump"),
            )
            return fresh

        return restore

    return take


def daemon(folder: Path, store: str | Path) -> Daemon:
    config = folder / "privwatch.yml"
    files = {"app": {"paths": str(folder / "app.log"), "format": "json", "every_seconds": 0.2}}
    said = settings_for(folder, files, limits={"batch_records": 100})
    config.write_text(yaml.safe_dump(said | {"store": str(store)}))
    return Daemon(config)


def read(store: str | Path) -> int:
    return sum(n for (_, name), n in counts(store).items() if name in TAKEN)


def goes_on_from(folder: Path, store: str | Path, backup: Backup) -> str | Path:
    """Read, backed up in the midst of it, read on, lost, restored, read on; returns the restored store."""
    values = [value + b"\n" for some in records(2400, 3) for value in some]
    log = folder / "app.log"
    parts = [b"".join(values[first : first + 800]) for first in range(0, 2400, 800)]
    log.write_bytes(parts[0])
    running = daemon(folder, store)
    wait_until(lambda: read(store) >= 100, lambda: read(store), PATIENCE)
    restore = backup()
    with log.open("ab") as file:
        file.write(parts[1])
    wait_until(lambda: read(store) == 1600, lambda: read(store), PATIENCE)
    assert running.stop() == 0
    restored = restore()
    assert restored != store
    with log.open("ab") as file:
        file.write(parts[2])
    again = daemon(folder, restored)
    wait_until(lambda: read(restored) >= len(values), lambda: read(restored), PATIENCE)
    assert again.records() > 800, "what came after the backup is read again"
    assert again.stop() == 0
    reference = folder / "reference.ndjson"
    reference.write_bytes(b"".join(values))
    expected = replayed(folder, reference, form="json")
    assert counts(restored) == counts(folder / "replay.db", "replay")
    with closing(open_store(restored)) as opened:
        found = list(opened.violations())
    assert told(found) == told(expected.violations)
    assert len(found) > 5
    return restored


@pytest.mark.parametrize("backup", [of_sqlite, into_an_older_schema])
def test_a_file_goes_on_from_its_backup(tmp_path, backup):
    goes_on_from(tmp_path, tmp_path / "store.db", backup(tmp_path))


@pytest.mark.postgresql
def test_a_database_goes_on_from_its_backup(tmp_path, postgresql, database):
    restored = goes_on_from(tmp_path, database, of_postgresql(tmp_path, database, postgresql))
    postgresql.drop(str(restored))
