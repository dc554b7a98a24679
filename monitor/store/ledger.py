"""The ledger as rows: appending inside a transaction, reading in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from monitor.errors import StoreError
from monitor.ledger.entries import (
    GLANCE,
    NOTHING,
    Entry,
    Head,
    Outline,
    Payload,
    Record,
    chained,
    note,
    sealed,
)
from monitor.ledger.signing import Signer, named
from monitor.store import schema

Written = tuple[Entry, Payload | None]

_FIELDS = ("seq", "at", "kind", "ref", "who", "commitment", "previous", "hash", "signature")

MOST_TOLD = 2_000_000
"""Characters of payloads that are told at once: a seal lists ten thousand violations."""


def append(
    connection: Connection, namespace: str, signer: Signer, records: Sequence[Record], at: int
) -> list[Entry]:
    """Write records down, in order, inside the caller's transaction, which must hold the namespace's lock.

    Raises:
        StoreError: the ledger was begun with another key.
    """
    first = begun(connection, namespace, signer)
    previous = _last(connection, namespace)
    entries: list[Entry] = []
    payloads: list[dict[str, Any]] = []
    for record in records:
        payload, commitment = sealed(record.body)
        seq, before, then = (previous.seq, previous.hash, previous.at) if previous else (0, NOTHING, 0)
        # A clock that was set back must not make an honest ledger look back-dated.
        entry = Entry(seq + 1, max(at, then), record.kind, record.ref, record.who, commitment, before, "", "")
        entry = replace(entry, hash=chained(first.origin, entry))
        signature = signer.sign(note(Head(first.origin, entry.seq, entry.hash)))
        previous = replace(entry, signature=signature)
        entries.append(previous)
        payloads.append(
            {"namespace": namespace, "seq": entry.seq, "salt": payload.salt, "body": payload.body}
        )
    if entries:
        rows = [{"namespace": namespace} | {name: getattr(one, name) for name in _FIELDS} for one in entries]
        connection.execute(insert(schema.ledger), rows)
        connection.execute(insert(schema.ledger_payload), payloads)
        table = schema.ledger_head
        end = {"size": entries[-1].seq, "hash": entries[-1].hash}
        connection.execute(update(table).where(table.c.namespace == namespace).values(end))
    return entries


def begun(connection: Connection, namespace: str, signer: Signer) -> Head:
    """The ledger's end; of a new one its beginning.

    Raises:
        StoreError: it was begun with another key.
    """
    table = schema.ledger_head
    row = connection.execute(select(table).where(table.c.namespace == namespace)).first()
    if row is None:
        if _last(connection, namespace) is not None:
            raise StoreError("the ledger lost its head: somebody removed it; restore the store from a backup")
        origin = f"{namespace}/{uuid4().hex}"
        fresh = {"origin": origin, "size": 0, "hash": NOTHING, "public_key": signer.public}
        connection.execute(insert(table).values(namespace=namespace, **fresh))
        return Head(origin, 0, NOTHING)
    if row.public_key != signer.public:
        raise StoreError(
            f"the ledger was begun with the key {named(row.public_key)}, and this is {named(signer.public)}; "
            "restore the key file from your backup, or name it with --ledger-key"
        )
    return Head(row.origin, row.size, row.hash)


def head(connection: Connection, namespace: str) -> tuple[Head, str] | None:
    """The ledger's end and the public key it says it is signed with."""
    table = schema.ledger_head
    row = connection.execute(select(table).where(table.c.namespace == namespace)).first()
    return None if row is None else (Head(row.origin, row.size, row.hash), row.public_key)


def entries(connection: Connection, wanted: Select[Any]) -> list[Written]:
    """Entries of a statement over `joined`."""
    return [written(row) for row in connection.execute(wanted)]


def joined(namespace: str) -> Select[Any]:
    """Entries with their payloads, where those are still there."""
    table, beside = schema.ledger, schema.ledger_payload
    both = (table.c.namespace == beside.c.namespace) & (table.c.seq == beside.c.seq)
    return (
        select(table, beside.c.salt, beside.c.body)
        .select_from(table.outerjoin(beside, both))
        .where(table.c.namespace == namespace)
    )


def outlined(
    connection: Connection, namespace: str, before: int | None, limit: int
) -> tuple[tuple[Entry, Outline | None], ...]:
    """Entries with smaller numbers than `before` (None: the newest), newest first, and how payloads begin."""
    table, beside = schema.ledger, schema.ledger_payload
    both = (table.c.namespace == beside.c.namespace) & (table.c.seq == beside.c.seq)
    begin = func.substr(beside.c.body, 1, GLANCE).label("begin")
    wanted = (
        select(table, begin, func.length(beside.c.body).label("length"))
        .select_from(table.outerjoin(beside, both))
        .where(table.c.namespace == namespace)
        .order_by(table.c.seq.desc())
        .limit(limit)
    )
    found = connection.execute(wanted if before is None else wanted.where(table.c.seq < before))
    return tuple(
        (_entry(row), None if row.begin is None else Outline(row.begin, row.length)) for row in found
    )


def whole(connection: Connection, namespace: str, before: int | None, limit: int) -> tuple[Written, ...]:
    """Entries with smaller numbers than `before` (None: the newest), newest first, with whole payloads.

    Fewer than `limit` where payloads are long: none is begun beyond `MOST_TOLD` characters.
    """
    seq = schema.ledger.c.seq
    wanted = joined(namespace).order_by(seq.desc()).limit(limit)
    told: list[Written] = []
    size = 0
    asked = wanted if before is None else wanted.where(seq < before)
    with connection.execution_options(yield_per=10).execute(asked) as found:
        for row in found:
            told.append(written(row))
            size += len(row.body or "")
            if size > MOST_TOLD:
                break
    return tuple(told)


def bare(connection: Connection, namespace: str) -> int:
    """How many entries have no payload any more."""
    table, beside = schema.ledger, schema.ledger_payload
    both = (table.c.namespace == beside.c.namespace) & (table.c.seq == beside.c.seq)
    joined = select(func.count()).select_from(table.outerjoin(beside, both))
    return connection.execute(
        joined.where(table.c.namespace == namespace, beside.c.seq.is_(None))
    ).scalar_one()


def stray(connection: Connection, namespace: str, size: int) -> Sequence[int]:
    """Numbers of payloads that no entry of a ledger of this size can have."""
    seq = schema.ledger_payload.c.seq
    wanted = select(seq).where(schema.ledger_payload.c.namespace == namespace, (seq > size) | (seq < 1))
    return sorted(connection.execute(wanted).scalars())


def every(connection: Connection, namespace: str) -> Iterator[Written]:
    """All entries in order, some hundred at a time in memory."""
    wanted = joined(namespace).order_by(schema.ledger.c.seq)
    # Said of the statement: said of the connection it would hold for whatever is written afterwards.
    with connection.execute(wanted, execution_options={"yield_per": 200}) as found:
        yield from map(written, found)


def written(row: Row[Any]) -> Written:
    """The entry of a row, and its payload."""
    payload = None if row.body is None else Payload(row.salt, row.body)
    return _entry(row), payload


def _entry(row: Row[Any]) -> Entry:
    return Entry(*(getattr(row, name) for name in _FIELDS))


def _last(connection: Connection, namespace: str) -> Entry | None:
    table = schema.ledger
    newest = select(table).where(table.c.namespace == namespace).order_by(table.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else _entry(row)
