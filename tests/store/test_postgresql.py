"""PostgreSQL as the store: what it says when something is wrong, and how it comes back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event, Thread

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from monitor.errors import StoreAwayError, StoreError
from monitor.model import Checkpoint, Part, Reject, Turn
from monitor.store import database as opening
from monitor.store import open_store, schema
from tests.support.postgresql_server import PASSWORD
from tests.support.turns import event

pytestmark = pytest.mark.postgresql
TURN = Turn(checkpoints=(("logs-0", Checkpoint(8, "p")),), parts=(Part("logs-0", event()),))


def refused(store, **more):
    with pytest.raises(StoreError) as caught:
        open_store(store, **more)
    assert "geheim" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return caught.value


def without_password(url: str) -> str:
    return url.replace(f":{PASSWORD}@", "@")


def test_the_steps_build_what_the_schema_says(database):
    engine, _ = opening.connect(database)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_many_open_a_new_store_at_once(database):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [database] * 4))
    for store in stores:
        assert store.checkpoints() == {}
        store.close()


def test_order_is_that_of_bytes_whatever_the_language_of_the_database(database):
    with closing(open_store(database)) as store:
        rules = [event(name, rule=name) for name in ("b", "B", "a_", "aB", "é")]
        store.write(Turn(parts=tuple(Part("logs-0", one) for one in rules)))
        assert [one.rule for one in store.violations()] == ["B", "aB", "a_", "b", "é"]


def test_a_nul_in_a_text_is_kept_as_a_sign_of_itself(database):
    with closing(open_store(database)) as store:
        odd = event(resource="/a\0b", path="x\0")
        store.write(Turn(parts=(Part("logs-0", odd),), rejects=(Reject("logs-0", 1, "json", 3, "\0"),)))
        assert [(one.resource, one.path) for one in store.violations()] == [("/a\ufffdb", "x\ufffd")]


def test_no_server():
    error = refused("postgresql://monitor:geheim@127.0.0.1:1/privwatch")
    assert str(error) == (
        "store postgresql://monitor@127.0.0.1:1/privwatch: "
        "no server answers; check host and port, and that it runs"
    )
    assert isinstance(error, StoreAwayError)


def test_a_host_that_is_none():
    assert "its host has no address" in str(refused("postgresql://monitor:geheim@no-such-host.invalid/db"))


def test_a_wrong_password(database):
    error = refused(database.replace(PASSWORD, "geheim"))
    assert "refuses this user or password; check `store` and `store_password_file`" in str(error)
    assert not isinstance(error, StoreAwayError), "trying again does not help"


def test_no_password(database):
    assert "wants a password; name a file" in str(refused(without_password(database)))


def test_a_password_from_a_file(database, tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    open_store(without_password(database), password_file=file).close()
    file.write_text("geheim")
    assert "refuses this user or password" in str(refused(without_password(database), password_file=file))
    error = refused(without_password(database), password_file=tmp_path / "absent")
    assert "absent: the store's password cannot be read: No such file" in str(error)


def test_a_password_from_the_environment(database, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    open_store(without_password(database)).close()


def test_a_url_that_cannot_be_read_shows_nothing():
    assert "the store's URL cannot be read" in str(refused("postgresql://monitor:geheim@host:port/db"))


def test_no_such_database(database):
    assert "no such database, user or table" in str(refused(database + "_absent"))


def test_a_database_of_another_program(database):
    with psycopg.connect(database, autocommit=True) as theirs:
        theirs.execute("CREATE TABLE bookmarks (url text)")
    assert "belongs to another program; name another database" in str(refused(database))


def test_a_store_of_a_newer_release(database):
    open_store(database).close()
    with psycopg.connect(database, autocommit=True) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "written by a newer privwatch (schema 9999" in str(refused(database))


def test_without_the_driver(database):
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from monitor.store import open_store\n"
        "from monitor.errors import StoreError\n"
        "try: open_store(sys.argv[1])\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, database], check=True, capture_output=True, text=True
    )
    assert done.stdout == (
        "PostgreSQL needs a driver that is not installed; run: pip install 'privwatch[postgresql]'\n"
    )


def test_a_user_who_may_not_create_tables(database):
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS privwatch_test_reader")
        admin.execute(f"CREATE ROLE privwatch_test_reader LOGIN PASSWORD '{PASSWORD}'")
        url = database.replace("//tester:", "//privwatch_test_reader:")
        try:
            assert "this user may not do that; it needs a schema" in str(refused(url))
        finally:
            admin.execute("DROP ROLE privwatch_test_reader")


def test_a_connection_that_was_cut_is_made_anew(database):
    with closing(open_store(database)) as store, psycopg.connect(database, autocommit=True) as admin:
        store.write(TURN)
        cut(admin)
        assert store.checkpoints() == {"logs-0": Checkpoint(8, "p")}


def test_a_connection_cut_in_the_midst_of_a_turn_may_be_tried_again(database):
    with closing(open_store(database)) as store, psycopg.connect(database, autocommit=True) as admin:
        counted = Turn(event_counts=(("logs-0", "events", 1),))

        def write() -> None:
            with store._writing() as connection:
                store._write_counts(connection, counted)
                cut(admin)
                store._write_counts(connection, counted)

        with pytest.raises(StoreAwayError) as caught:
            write()
        assert PASSWORD not in str(caught.value)
        assert store.counts() == {}


def cut(admin: psycopg.Connection) -> None:
    """As an administrator, or a server that restarts, ends the others' connections."""
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_writers_of_a_namespace_take_turns_and_others_do_not_wait(database, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    with (
        closing(open_store(database)) as one,
        closing(open_store(database)) as other,
        closing(open_store(database, "apart")) as apart,
    ):
        holding, done = Event(), Event()

        def hold() -> None:
            with one._writing():
                holding.set()
                done.wait(30)

        holder = Thread(target=hold)
        holder.start()
        try:
            assert holding.wait(30)
            with pytest.raises(StoreAwayError, match="another process kept it busy"):
                other.write(TURN)
            apart.write(TURN)
            assert other.checkpoints() == {}, "readers do not wait"
        finally:
            done.set()
            holder.join()
        other.write(TURN)


def test_two_who_add_to_the_same_violations_lose_nothing(database):
    def add(partition: str) -> None:
        with closing(open_store(database)) as store:
            for _ in range(20):
                store.write(Turn(parts=tuple(Part(partition, event(str(n))) for n in range(20))))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, ["logs-0", "logs-1", "logs-2"]))
    with closing(open_store(database)) as store:
        assert {one.count for one in store.violations()} == {60}
