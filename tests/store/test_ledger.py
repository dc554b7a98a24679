"""The ledger of a store: whatever is changed, removed, moved or back-dated behind its back is named."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from monitor.casebook import Account, ApiToken, Change, Query
from monitor.errors import OutpacedError, StoreError
from monitor.ledger.check import check_chain
from monitor.ledger.entries import GLANCE, NOTHING, Entry, Head, Record, chained, commitment, note, sealed
from monitor.ledger.signing import Signer, signed
from monitor.model import FILTERED, Checkpoint, Episodes, Part, Turn
from monitor.store import open_store
from monitor.store.database import connect, standing
from monitor.store.proving import prove
from tests.support.turns import NOON, episode, event

SIGNER = Signer(bytes(range(32)))
AT = NOON
QUERY = Query()
GROUPS = ("g1", "g1", "g2", "g3")


def turn(*violations, episodes=()) -> Turn:
    parts = tuple(Part("logs-0", one) for one in violations)
    return Turn(checkpoints=(("logs-0", Checkpoint(8, "p")),), parts=parts, episodes=tuple(episodes))


def decision(key: str, version: int, state: str = "in_review") -> Change:
    record = Record("case.verdict", key, "ada", {"reason": "looked at it"})
    return Change(key, version, state, unsettled=True, facts='{"a":1}', due=None, expires=None, record=record)


def gather(book, at: int = AT) -> None:
    while book.gather(at):
        pass


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A store with violations, sealed twice, with decisions in between."""
    file = tmp_path_factory.mktemp("ledger") / "store.db"
    with closing(open_store(file)) as store:
        book = store.casebook(SIGNER)
        store.write(turn(*(event(str(n), group=group, rule="r") for n, group in enumerate(GROUPS))))
        gather(book)
        book.change(decision("g1", 0), AT + 1)
        store.write(turn(event("late", group="g2", rule="r")))
        gather(book, AT + 2)
        book.change(decision("g1", 1, "confirmed"), AT + 3)
        book.write(Record("export", "", "ada", {"week": "2026-W47"}), AT + 4)
        kept = Record("account.kept", "ada", "privwatch account", {"role": "viewer", "active": False})
        book.keep_account(Account("ada", "viewer", "hash", active=False), kept, AT + 5)
        token = ApiToken("t1", "ada", "the wiki", ("read",), "hash", AT, AT + 9)
        book.keep_token(token, Record("token.made", "ada", "root", {"token": "t1"}), AT + 6)
        ended = replace(token, revoked=AT + 7)
        book.keep_token(ended, Record("token.revoked", "ada", "root", {"token": "t1"}), AT + 7)
        book.token_used("t1", AT + 8)
    return file


def faults(file: Path, public: str = SIGNER.public) -> dict[str, str]:
    with closing(open_store(file)) as store:
        return {fault.where: fault.what for fault in store.casebook(SIGNER).verify(public)}


@pytest.fixture(scope="module")
def engine(written):
    made, _ = connect(written)
    yield made
    made.dispose()


@pytest.fixture
def tampered(engine):
    """What is named after some statements, which are then taken back."""

    def found(*statements: str) -> dict[str, str]:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            named = {fault.where: fault.what for fault in prove(connection, "default", SIGNER.public)}
            connection.rollback()
        return named

    return found


def test_what_nobody_touched_holds(written):
    assert faults(written) == {}


def test_another_key_vouches_for_nothing(written):
    found = faults(written, Signer(bytes(32)).public)
    assert all("signature" in what for where, what in found.items() if where.startswith("ledger entry"))


def test_every_single_value_of_every_row_is_held(written, tampered):
    """Each column of each row of the tables that prove something, changed by one."""
    named = {
        "ledger": ("seq", lambda row: f"ledger entry {row['seq']}"),
        "ledger_payload": ("seq", lambda row: f"ledger entry {row['seq']}"),
        "violation": ("fingerprint", lambda row: f"violation {row['fingerprint']}"),
    }
    changed = 0
    with closing(sqlite3.connect(written)) as db:
        db.row_factory = sqlite3.Row
        rows = [(table, dict(row)) for table in named for row in db.execute(f"SELECT * FROM {table}")]
    for table, row in rows:
        key, where = named[table]
        for column, value in row.items():
            if column in {"namespace", "mark", key}:
                continue
            # A number grows, a text and bytes get one more, nothing becomes something.
            other = {int: f"{column} + 1", bytes: "x'0102030405060708'", type(None): "7"}
            fresh = other.get(type(value), f"{column} || '0'")
            found = tampered(f"UPDATE {table} SET {column} = {fresh} WHERE {key} = '{row[key]}'")
            assert where(row) in found, (table, column, found)
            changed += 1
    assert changed > 100


@pytest.mark.parametrize("seq", range(1, 6))
def test_a_removed_entry_is_named(tampered, seq):
    found = tampered(f"DELETE FROM ledger WHERE seq = {seq}")
    assert "missing" in found[f"ledger entry {seq}"]
    assert [where for where in found if where.startswith("ledger")] == [f"ledger entry {seq}"]


def test_entries_that_changed_places_are_named(written, tampered):
    swap = [f"UPDATE ledger SET seq = {new} WHERE seq = {old}" for old, new in ((2, 99), (3, 2), (99, 3))]
    assert {"ledger entry 2", "ledger entry 3"} <= tampered(*swap).keys()


def test_a_back_dated_entry_is_named(written, tampered):
    found = tampered(f"UPDATE ledger SET at = {AT - 1} WHERE seq = 4")
    assert "changed" in found["ledger entry 4"]


def test_whoever_holds_the_key_still_cannot_back_date(tmp_path):
    """An entry with an earlier time than the one before it, hashed and signed as it should be."""
    entries, previous = [], NOTHING
    for seq, at in ((1, 20), (2, 10)):
        payload, committed = sealed({})
        entry = Entry(seq, at, "export", "", "ada", committed, previous, "", "")
        entry = replace(entry, hash=chained("o", entry))
        entry = replace(entry, signature=SIGNER.sign(note(Head("o", seq, entry.hash))))
        previous = entry.hash
        entries.append((entry, payload))
        assert commitment(payload) == committed
    found = list(check_chain(Head("o", 2, previous), "o", entries, lambda *a: signed(SIGNER.public, *a)))
    assert [(fault.where, "back-dated" in fault.what) for fault in found] == [("ledger entry 2", True)]


def test_removed_added_and_renamed_rows_are_named(tampered):
    one, parts = event("0").fingerprint, "DELETE FROM violation_part"
    gone = tampered(parts, f"DELETE FROM violation WHERE fingerprint = '{one}'")
    assert "missing" in gone[f"violation {one}"]
    renamed = tampered(parts, f"UPDATE violation SET fingerprint = 'ff' WHERE fingerprint = '{one}'")
    assert {"violation ff", f"violation {one}"} == renamed.keys()
    assert "no erasure" in tampered("DELETE FROM ledger_payload WHERE seq = 2")["ledger entry 2"]
    for what in ("size = size + 1", "size = size - 1", "hash = 'x'", "origin = 'x'"):
        assert tampered(f"UPDATE ledger_head SET {what}")


@pytest.mark.parametrize(
    ("key", "statement"),
    [
        ("g1", "UPDATE review_case SET state = 'new' WHERE case_key = 'g1'"),
        ("g1", "UPDATE review_case SET facts = '{}' WHERE case_key = 'g1'"),
        ("g2", "UPDATE review_case SET state = 'verified' WHERE case_key = 'g2'"),
        ("g1", "DELETE FROM review_case WHERE case_key = 'g1'"),
        ("g3", "DELETE FROM review_case WHERE case_key = 'g3'"),
        ("g1", "UPDATE review_case SET due_at = 7 WHERE case_key = 'g1'"),
        ("g1", "UPDATE review_case SET expires_at = 7 WHERE case_key = 'g1'"),
        ("g1", "UPDATE review_case SET unsettled = 0 WHERE case_key = 'g1'"),
        ("g1", "UPDATE review_case SET version = 0 WHERE case_key = 'g1'"),
        ("g2", "UPDATE review_case SET unsettled = 0 WHERE case_key = 'g2'"),
        ("g1", "UPDATE review_case SET facts = x'00' WHERE case_key = 'g1'"),
    ],
)
def test_a_case_that_says_what_nobody_decided_is_named(tampered, key, statement):
    assert list(tampered(statement)) == [f"case {key}"]


@pytest.mark.parametrize("cursor", ["DELETE FROM review_cursor", "UPDATE review_cursor SET mark = 1"])
def test_a_change_is_named_though_the_cursor_says_that_it_waits(tampered, cursor):
    """What waits to be sealed may differ from its seal; who can write the store could let everything wait."""
    one = event("0").fingerprint
    found = tampered(cursor, f"UPDATE violation SET events = 99 WHERE fingerprint = '{one}'")
    assert {"review_cursor", f"violation {one}"} == found.keys()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE account SET role = 'dpo' WHERE name = 'ada'", "changed"),
        ("UPDATE account SET active = 1 WHERE name = 'ada'", "changed"),
        ("UPDATE account SET password = 'mine' WHERE name = 'ada'", "changed"),
        ("UPDATE account SET name = 'ada2' WHERE name = 'ada'", "missing"),
        ("DELETE FROM account", "missing"),
    ],
)
def test_an_account_that_somebody_changed_by_hand_is_named(tampered, statement, said):
    assert said in tampered(statement)["account ada"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE api_token SET account = 'bob'", "changed"),
        ("UPDATE api_token SET scopes = 'read decide'", "changed"),
        ("UPDATE api_token SET hash = 'mine'", "changed"),
        ("UPDATE api_token SET expires_at = expires_at + 1", "changed"),
        ("UPDATE api_token SET revoked_at = NULL", "changed"),
        ("DELETE FROM api_token", "missing"),
    ],
)
def test_a_token_that_somebody_changed_by_hand_is_named(tampered, statement, said):
    assert said in tampered(statement)["token t1"]


def test_a_token_that_somebody_put_in_by_hand_is_named(tampered):
    columns = "account, label, scopes, hash, created_at, expires_at, used_at, revoked_at"
    copy = (
        f"INSERT INTO api_token (namespace, id, {columns}) SELECT namespace, 't2', {columns} FROM api_token"
    )
    assert "added" in tampered(copy)["token t2"]


def test_an_account_that_somebody_added_by_hand_is_named(tampered):
    copy = "INSERT INTO account SELECT namespace, 'eve', role, password, active FROM account"
    assert "added" in tampered(copy)["account eve"]


def test_a_ledger_without_its_head_is_no_empty_one(written, tampered):
    """Nor is another begun over what is left of it."""
    for also in ("", "DELETE FROM ledger"):
        assert list(tampered("DELETE FROM ledger_head", *filter(None, [also]))) == ["head of the ledger"]


def test_nothing_is_appended_to_a_ledger_without_its_head(written, tmp_path):
    file = tmp_path / "store.db"
    with closing(sqlite3.connect(written)) as good, closing(sqlite3.connect(file)) as fresh:
        good.backup(fresh)
        fresh.execute("DELETE FROM ledger_head")
        fresh.commit()
    with closing(open_store(file)) as store, pytest.raises(StoreError, match="lost its head"):
        store.casebook(SIGNER).write(Record("export", "", "ada", {}), AT)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET kind = x'00' WHERE seq = 2",
        "UPDATE ledger SET signature = x'00' WHERE seq = 2",
        "UPDATE ledger SET at = 'then' WHERE seq = 2",
        "UPDATE ledger_payload SET body = x'00' WHERE seq = 2",
        "UPDATE ledger_payload SET salt = x'00' WHERE seq = 2",
    ],
)
def test_values_of_a_kind_that_no_program_writes_are_named(tampered, statement):
    assert "changed" in tampered(statement)["ledger entry 2"]


def test_a_count_without_end_is_named(tampered):
    one = event("0").fingerprint
    found = tampered(f"UPDATE violation SET events = 9e999 WHERE fingerprint = '{one}'")
    assert "changed" in found[f"violation {one}"]


def test_what_the_program_does_itself_is_no_fault(written, tmp_path):
    """Counts that grow, partitions taken back, episodes that are replaced, an erasure that says so."""
    file = tmp_path / "store.db"
    with closing(sqlite3.connect(written)) as good, closing(sqlite3.connect(file)) as fresh:
        good.backup(fresh)
    with closing(open_store(file)) as store:
        book = store.casebook(SIGNER)
        store.write(turn(event("0", group="g1", rule="r")))
        spans = [Episodes("bulk", "g7", NOON, NOON + 10**9, (episode(1, "g7"), episode(60, "g7")))]
        store.write(turn(episodes=spans))
        assert faults(file) == {}  # what waits to be sealed
        gather(book)
        assert book.case("g1").violations == 2
        store.write(turn(episodes=[replace(spans[0], violations=(episode(2, "g7"),))]))
        assert faults(file) == {}
        gather(book)
        store.forget("logs-0")
        assert faults(file) == {}
        gather(book)
        assert faults(file) == {}
        assert book.case("g3") is None  # without a violation, and nobody decided on it
        assert [book.case(key).violations for key in ("g1", "g7")] == [0, 1]
        book.write(Record("erasure", "", "ada", {"entries": [2]}), AT + 9)
    with closing(sqlite3.connect(file)) as db:
        db.execute("DELETE FROM ledger_payload WHERE seq = 2")
        db.commit()
    assert "ledger entry 2" not in faults(file)


def test_cases_are_the_sums_of_their_violations(written):
    with closing(open_store(written)) as store:
        book = store.casebook(SIGNER)
        assert {key: (book.case(key).violations, book.case(key).events) for key in set(GROUPS)} == {
            "g1": (2, 2),
            "g2": (2, 2),
            "g3": (1, 1),
        }
        (day,) = book.days("2026-11-16", "2026-11-17")
        assert (day.rule, day.violations, day.events, day.subjects) == ("r", 5, 5, (5,))
        assert len(book.occurrences(book.case("g1"), 10)) == 2
        assert [one.key for one in book.alike(book.case("g1"), 5)] == ["g3", "g2"]


def test_what_a_filter_hides_is_no_case_but_is_sealed(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as store:
        book = store.casebook(SIGNER)
        store.write(turn(event("a", group="g", status=FILTERED)))
        gather(book)
        assert book.case("g") is None
        ((_, outline),) = book.ledger(None, 10)
        assert len(outline.content["sealed"]) == 1


def test_of_a_long_payload_only_its_beginning_is_read(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as store:
        book = store.casebook(SIGNER)
        store.write(turn(*(event(str(n), group="g", rule="r") for n in range(100))))
        gather(book)
        book.write(Record("note", "", "ada", {"text": "x" * GLANCE}), AT)
        (_, long), (_, seal) = book.ledger(None, 10)
        assert (len(long.begin), len(seal.begin)) == (GLANCE, GLANCE)
        assert seal.content == {"sealed": 100, "gone": 0}
        assert long.content == {"characters": long.length}
        assert [entry.seq for entry, _ in book.ledger(2, 10)] == [1]


def test_of_two_who_decide_at_once_the_second_is_told(written, tmp_path):
    with closing(open_store(written)) as store, pytest.raises(OutpacedError, match="look at it again"):
        store.casebook(SIGNER).change(decision("g1", 0), AT + 5)


def test_another_key_begins_no_second_ledger(written):
    with closing(open_store(written)) as store, pytest.raises(StoreError, match="--ledger-key"):
        store.casebook(Signer(bytes(32))).write(Record("export", "", "ada", {}), AT)


@pytest.mark.postgresql
def test_the_same_holds_in_postgresql(database):
    with closing(open_store(database)) as store:
        book = store.casebook(SIGNER)
        store.write(turn(*(event(str(n), group=group, rule="r") for n, group in enumerate(GROUPS))))
        store.write(turn(episodes=[Episodes("bulk", "g9", NOON, NOON + 10**9, (episode(1, "g9"),))]))
        gather(book)
        store.write(turn(episodes=[Episodes("bulk", "g9", NOON, NOON + 10**9, (episode(2, "g9"),))]))
        gather(book)
        book.change(decision("g1", 0), AT + 1)
        assert [one.events for one in book.find(replace(QUERY, text="g1")).cases] == [2]
        assert list(book.verify(SIGNER.public)) == []
        with psycopg.connect(database) as db:
            db.execute("UPDATE violation SET events = 7 WHERE group_key = 'g2'")
        (fault,) = book.verify(SIGNER.public)
        assert fault.where == f"violation {event('2').fingerprint}"
        with suppress(StopIteration):
            next(iter(book.trends([book.case("g1")], 0)))


def test_what_is_said_again_as_it_was_is_not_sealed_again(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as store:
        book = store.casebook(SIGNER)
        said = turn(
            episodes=[Episodes("bulk", "g7", NOON, NOON + 10**9, (episode(1, "g7"), episode(60, "g7")))]
        )
        store.write(said)
        gather(book)
        store.write(said)
        assert book.gather(AT) == 0
        assert faults(tmp_path / "s.db") == {}


def stands(store, place) -> None:
    """What is checked is one state of the store, while others go on writing."""
    engine, name = connect(place)
    count = text("SELECT count(*) FROM ledger")
    with standing(engine, name) as connection:
        before = connection.execute(count).scalar()
        store.casebook(SIGNER).write(Record("export", "", "ada", {}), AT)
        assert connection.execute(count).scalar() == before
    engine.dispose()


def test_a_check_sees_one_state_of_the_store(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as store:
        stands(store, tmp_path / "s.db")


@pytest.mark.postgresql
def test_a_check_sees_one_state_of_postgresql(database):
    with closing(open_store(database)) as store:
        stands(store, database)
