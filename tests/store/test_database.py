"""Opening a store: schema, files that are no store, and what the error says."""

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event as event_of

from monitor.errors import StoreError
from monitor.model import Checkpoint, Part, Turn
from monitor.store import database, open_store, schema
from tests.support.turns import event

TURN = Turn(checkpoints=(("logs-0", Checkpoint(8, "p")),), parts=(Part("logs-0", event()),))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "store.db"
    with closing(open_store(path)) as store:
        store.write(TURN)
    return path


def test_the_steps_build_what_the_schema_says(tmp_path):
    engine, _ = database.connect(tmp_path / "store.db")
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_head_is_the_newest_step():
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_store_opened_again_holds_what_was_written(file):
    with closing(open_store(f"sqlite:///{file}")) as store:
        assert store.checkpoints() == {"logs-0": Checkpoint(8, "p")}
        assert list(store.violations()) == [event()]


def test_namespaces_share_a_file_and_nothing_else(file):
    with closing(open_store(file, "other")) as other:
        assert other.checkpoints() == {}
        assert list(other.violations()) == []
        other.write(TURN)
        other.forget("logs-0")
    with closing(open_store(file)) as store:
        assert list(store.violations()) == [event()]


def test_folders_are_made_and_odd_names_are_taken_as_they_are(tmp_path):
    path = tmp_path / "deep" / "er" / "50% of it?.db"
    open_store(path).close()
    assert path.exists()


def test_many_open_a_new_store_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(open_store, [tmp_path / "store.db"] * 8))
    for store in stores:
        assert store.checkpoints() == {}
        store.close()


def refused(store):
    with pytest.raises(StoreError) as caught:
        open_store(store)
    return str(caught.value)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are longer than a hundred bytes. " * 4)
    before = path.read_bytes()
    assert refused(path) == (
        f"store {path}: it is no SQLite database; name another file, or restore it from a backup"
    )
    assert path.read_bytes() == before


def test_a_damaged_store(file):
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * len(damaged[4096:])
    file.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged; restore it from a backup, or move it away and replay"):
        list(open_store(file).violations())


def test_a_database_of_another_program(tmp_path):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE bookmarks (url TEXT)")
    assert "belongs to another program" in refused(path)
    with closing(sqlite3.connect(path)) as theirs:
        tables = theirs.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("bookmarks",)]


def test_a_store_of_a_newer_release(file):
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    said = refused(file)
    assert said == (
        f"store {file}: written by a newer privwatch (schema 9999, this one knows {schema.HEAD}); "
        "update privwatch or name another store"
    )


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    assert "store" in refused(tmp_path / "file" / "store.db")


def test_a_folder_in_place_of_the_file(tmp_path):
    assert "cannot be opened; check that the folder exists" in refused(tmp_path)


def test_a_store_that_may_only_be_read(file):
    # A URL asks SQLite itself to refuse, which also holds for a user who may do everything.
    with closing(open_store(f"sqlite:///file:{file}?mode=ro&uri=true")) as store:
        assert list(store.violations()) == [event()]
        with pytest.raises(StoreError, match="cannot be written; give this user the right"):
            store.write(TURN)


def test_a_full_disk_stores_nothing_of_the_turn(file):
    with closing(open_store(file)) as store:

        def limit(connection, _record, _proxy):
            connection.execute("PRAGMA max_page_count = 40")

        event_of.listen(store._engine, "checkout", limit)
        many = tuple(Part("logs-0", event(str(number))) for number in range(5000))
        with pytest.raises(StoreError, match="the disk is full; make room, nothing of this turn was stored"):
            store.write(Turn(checkpoints=(("logs-0", Checkpoint(9, "p")),), parts=many))
        assert store.checkpoints() == {"logs-0": Checkpoint(8, "p")}
        assert list(store.violations()) == [event()]


def test_another_process_keeps_it_busy(file, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(open_store(file)) as store, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process kept it busy"):
            store.write(TURN)
        assert list(store.violations()) == [event()], "readers do not wait"
        other.rollback()
        store.write(TURN)


def test_a_copy_taken_after_closing_is_whole(file, tmp_path):
    copy = tmp_path / "copy.db"
    shutil.copy(file, copy)
    with closing(open_store(copy)) as store:
        assert list(store.violations()) == [event()]


@pytest.mark.parametrize(
    "url", ["mysql://monitor:geheim@db.test/privwatch?password=geheim", "sqlite://", "sqlite:///:memory:"]
)
def test_other_databases_are_refused_without_their_secrets(url):
    said = refused(url)
    assert "privwatch stores in a SQLite file or in PostgreSQL" in said
    assert "geheim" not in said


def test_a_url_that_is_none():
    assert refused("://") == (
        "the store's URL cannot be read; write a file name, sqlite:///file or postgresql://user@host/database"
    )


def test_what_was_stored_is_in_no_error(file):
    with closing(open_store(file)) as store, closing(sqlite3.connect(file)) as other:
        other.execute("DROP TABLE violation_part")
        other.commit()
        with pytest.raises(StoreError) as caught:
            store.write(Turn(parts=(Part("logs-0", event("x", resource="secret-place")),)))
    assert "secret-place" not in str(caught.value)
    assert "secret-place" not in str(caught.value.__cause__)


def test_only_its_owner_may_read_a_new_store(tmp_path):
    before = os.umask(0o022)
    try:
        with closing(open_store(tmp_path / "store.db")) as store:
            store.write(TURN)
            beside = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert beside == {"store.db": 0o600, "store.db-shm": 0o600, "store.db-wal": 0o600}


def test_a_store_that_others_may_read_stays_as_its_owner_made_it(file):
    file.chmod(0o640)
    with closing(open_store(file)) as store:
        store.write(TURN)
        assert {path.stat().st_mode & 0o777 for path in file.parent.glob("store.db*")} == {0o640}


def test_a_namespace_knows_its_key(file):
    with closing(open_store(file)) as store, closing(open_store(file, "empty")) as empty:
        assert store.keyed("one")
        assert store.keyed("one")
        assert not store.keyed("other")
        assert empty.keyed("other"), "each has its own"
        assert empty.keyed("third"), "as long as nothing is stored any key will do"
        empty.write(TURN)
        assert not empty.keyed("other")
        assert not store.keyed("third")
