"""Any one row that the ledger covers: changed, removed, added, moved or back-dated it is found and named."""

import re
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import pytest
from sqlalchemy import text

from monitor.casebook import Account, ApiToken
from monitor.ledger.entries import ERASURE, Record
from monitor.ledger.signing import Signer
from monitor.model import Episodes
from monitor.store import open_store, schema
from monitor.store.database import connect
from monitor.store.proving import prove
from tests.store.test_ledger import AT, GROUPS, SIGNER, decision, gather, turn
from tests.support.turns import NOON, episode, event

OPEN = {
    "api_token": {"used_at"},
    "violation": {"mark"},  # where reading goes on; one that is raised lets its violation wait to be sealed
    "review_case": {
        # Worked out from violations, as `rule_day` is.
        "rule", "level", "severity", "kind", "actor", "resource", "path", "violations", "events", "subjects",
        "first_seen", "newest",
    },
}  # fmt: skip
"""Columns that the ledger does not vouch for."""

UNCOVERED = {
    "violation_gone", "violation_part", "rule_day", "window_segment", "checkpoint", "ownership", "key_mark",
    "reject", "tally", "source_seen", "field_seen", "alert", "outbox", "web_session", "errand",
}  # fmt: skip
"""Tables of the daemon's own work, and sums; docs/review.md says what that means."""


class Covered(NamedTuple):
    """The key of a table, and what `verify` calls a row."""

    key: str
    name: str


COVERED = {
    "ledger": Covered("seq", "ledger entry {}"),
    "ledger_payload": Covered("seq", "ledger entry {}"),
    "ledger_head": Covered("namespace", "head of the ledger"),
    "review_cursor": Covered("namespace", "review_cursor"),
    "violation": Covered("fingerprint", "violation {}"),
    "review_case": Covered("case_key", "case {}"),
    "account": Covered("name", "account {}"),
    "api_token": Covered("id", "token {}"),
}
TIMES = {"created_at", "at", "first_seen", "last_seen", "episode_start", "due_at", "expires_at"}


def filled(store) -> None:
    """Violations of both kinds, decisions with every kind of date, accounts, an export, an erased payload."""
    book = store.casebook(SIGNER)
    store.write(turn(*(event(str(n), group=group, rule="r") for n, group in enumerate(GROUPS))))
    spans = [Episodes("bulk", "g7", NOON, NOON + 10**9, (episode(1, "g7"), episode(60, "g7")))]
    store.write(turn(episodes=spans))
    gather(book)
    book.change(decision("g1", 0), AT + 1)
    book.change(replace(decision("g1", 1, "confirmed"), due=AT + 9, expires=AT + 8), AT + 2)
    store.write(turn(event("late", group="g2", rule="r")))
    gather(book, AT + 3)
    for name in ("ada", "bela"):
        kept = Record("account.kept", name, "privwatch account", {"role": "viewer", "active": True})
        book.keep_account(Account(name, "viewer", f"hash of {name}"), kept, AT + 4)
    for number in ("one", "two"):
        token = ApiToken(number, "ada", "a dashboard", ("read",), f"hash of {number}", AT, AT + 10**9)
        book.keep_token(token, Record("token.made", "ada", "ada", {"token": number}), AT + 4)
    exported = book.write(Record("export", "", "ada", {"week": "2026-W47"}), AT + 5)
    book.write(Record(ERASURE, "", "privwatch", {"entries": [exported.seq]}), AT + 6)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    file = tmp_path_factory.mktemp("tampering") / "store.db"
    with closing(open_store(file)) as store:
        filled(store)
    with opened(file) as engine:
        yield engine


@contextmanager
def opened(place):
    erasure = "DELETE FROM ledger_payload WHERE seq = (SELECT seq FROM ledger WHERE kind = 'export')"
    engine, _ = connect(place)
    with engine.begin() as connection:
        connection.exec_driver_sql(erasure)
        # What a partition said of a violation stands in the way of removing it.
        connection.exec_driver_sql("DELETE FROM violation_part")
    yield engine
    engine.dispose()


def named(engine, *statements: str) -> set[str]:
    """What is named after some statements, which are then taken back."""
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        found = {fault.where for fault in prove(connection, "default", SIGNER.public)}
        connection.rollback()
    return found


def rows(engine, table: str) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {table}"))]


def where(table: str, row: dict[str, object]) -> str:
    key = COVERED[table].key
    return f"{key} = '{row[key]}'"


def name(table: str, row: dict[str, object]) -> str:
    return COVERED[table].name.format(row[COVERED[table].key])


def tells(found: set[str], table: str, row: dict[str, object]) -> bool:
    """Whether it is among what was named: by itself, or as one of the entries from here to there.

    A head that is said to lie further on leaves entries missing: which of both is wrong nobody can tell.
    """
    spans = [re.fullmatch(r"ledger entries (\d+) to (\d+)", one) for one in found]
    missing = {n for one in spans if one for n in range(int(one[1]), int(one[2]) + 1)}
    number = row.get("seq") if table != "ledger_head" else row["size"] + 1
    return name(table, row) in found or number in missing


def other(column: str, value: object) -> str:
    """SQL of another value of the same kind."""
    if isinstance(value, bytes):
        return "x'0102030405060708'"
    if isinstance(value, int | float):
        return f"{column} + 1000"
    return "7" if value is None else f"{column} || '0'"


def test_every_table_is_covered_or_known_not_to_be():
    assert {table.name for table in schema.metadata.sorted_tables} == set(COVERED) | UNCOVERED
    for table, columns in OPEN.items():
        assert columns < set(schema.metadata.tables[table].columns.keys())


def test_what_nobody_touched_holds(sqlite):
    assert named(sqlite) == set()
    assert {table: len(rows(sqlite, table)) > 0 for table in COVERED} == dict.fromkeys(COVERED, True)


@pytest.mark.parametrize("table", COVERED)
def test_each_value_of_each_row_that_is_changed(sqlite, table):
    """Also the key: a row under another key is one removed, and its namespace: one that moved elsewhere."""
    for row in rows(sqlite, table):
        for column in row.keys() - OPEN.get(table, set()):
            changed = f"UPDATE {table} SET {column} = {other(column, row[column])} WHERE {where(table, row)}"
            assert tells(named(sqlite, changed), table, row), changed


@pytest.mark.parametrize("table", COVERED)
def test_each_row_that_is_removed(sqlite, table):
    for row in rows(sqlite, table):
        removed = f"DELETE FROM {table} WHERE {where(table, row)}"
        assert tells(named(sqlite, removed), table, row), removed


@pytest.mark.parametrize(
    "table", ["ledger", "ledger_payload", "violation", "review_case", "account", "api_token"]
)
def test_each_two_rows_that_change_places(sqlite, table):
    """Neighbours by key: what one said now stands under the key of the other."""
    key = COVERED[table].key
    everything = sorted(rows(sqlite, table), key=lambda row: row[key])
    differ = 0
    for one, two in pairwise(everything):
        spare = "999999" if isinstance(one[key], int) else "'spare'"
        swap = [
            f"UPDATE {table} SET {key} = {spare} WHERE {where(table, one)}",
            f"UPDATE {table} SET {key} = '{one[key]}' WHERE {where(table, two)}",
            f"UPDATE {table} SET {key} = '{two[key]}' WHERE {key} = {spare}",
        ]
        left_out = {key} | OPEN.get(table, set())
        said = [{n: v for n, v in row.items() if n not in left_out} for row in (one, two)]
        if said[0] != said[1]:
            assert named(sqlite, *swap) & {name(table, one), name(table, two)}, swap
            differ += 1
    assert differ


@pytest.mark.parametrize("table", COVERED)
def test_each_time_that_is_set_back(sqlite, table):
    dated = [(row, column) for row in rows(sqlite, table) for column in TIMES & row.keys() if row[column]]
    for row, column in dated:
        if column not in OPEN.get(table, set()):
            back = f"UPDATE {table} SET {column} = {column} - 1 WHERE {where(table, row)}"
            assert tells(named(sqlite, back), table, row), back
    assert dated or table in {"ledger_payload", "ledger_head", "review_cursor", "account"}


@pytest.mark.parametrize("table", ["violation", "account", "api_token", "ledger", "ledger_payload"])
def test_each_row_that_is_added_as_a_copy_of_another(sqlite, table):
    key = COVERED[table].key
    for row in rows(sqlite, table):
        fresh = "77" if isinstance(row[key], int) else "'77'"
        columns = ", ".join(fresh if column == key else column for column in row)
        added = f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE {where(table, row)}"
        assert named(sqlite, added), added


def test_a_head_that_names_another_key(sqlite):
    forged = Signer(bytes(32)).public
    assert named(sqlite, f"UPDATE ledger_head SET public_key = '{forged}'") == {"head of the ledger"}


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["changed", "removed"])
def test_the_same_in_postgresql(database, what):
    with closing(open_store(database)) as store:
        filled(store)
    with opened(database) as engine:
        spoilt(engine, what)


def spoilt(engine, what: str) -> None:
    """Each value of two rows of each table, or the rows themselves."""
    for table in COVERED:
        for row in rows(engine, table)[:2]:
            if what == "removed":
                assert tells(named(engine, f"DELETE FROM {table} WHERE {where(table, row)}"), table, row)
                continue
            for column in row.keys() - OPEN.get(table, set()):
                if isinstance(row[column], bytes | float):
                    continue  # spelt in another way there
                fresh = other(column, row[column])
                changed = f"UPDATE {table} SET {column} = {fresh} WHERE {where(table, row)}"
                assert tells(named(engine, changed), table, row), changed
