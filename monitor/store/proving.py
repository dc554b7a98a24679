"""Whether the store is as the ledger says: its chain, the violations it sealed, the cases it decided on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from monitor.casebook import NEW
from monitor.ledger.check import Chain, Fault
from monitor.ledger.entries import SEAL
from monitor.ledger.signing import signed
from monitor.store import gathering, ledger, schema


def decided(state: str, facts: str) -> dict[str, str]:
    """What the ledger keeps of a decided case: its state, and the digest of what was decided."""
    return {"state": state, "facts": hashlib.sha256(facts.encode()).hexdigest()}


def prove(connection: Connection, namespace: str, public: str) -> Iterator[Fault]:
    """Everything that is not as it was written.

    Args:
        connection: a transaction that sees one state of the store.
        namespace: of the store.
        public: key that the ledger must be signed with; who believes the one in the store believes whoever
            could write there.
    """
    found = ledger.head(connection, namespace)
    head = found[0] if found else None
    chain = Chain(head.origin if head else "", lambda text, signature: signed(public, text, signature))
    seals: dict[str, tuple[str, int]] = {}
    cases: dict[str, tuple[dict[str, Any], int]] = {}
    for entry, payload in ledger.every(connection, namespace):
        faults = list(chain.follow(entry, payload))
        yield from faults
        if payload is None or faults:
            continue
        if entry.kind == SEAL:
            content = payload.content
            seals.update((fingerprint, (digest, entry.seq)) for fingerprint, digest in content["sealed"])
            for fingerprint in content["gone"]:
                seals.pop(fingerprint, None)
        elif entry.kind.startswith("case."):
            cases[entry.ref] = payload.content["after"], entry.seq
    yield from chain.end(head)
    yield from _violations(connection, namespace, seals)
    yield from _cases(connection, namespace, cases)


def _violations(connection: Connection, namespace: str, seals: dict[str, tuple[str, int]]) -> Iterator[Fault]:
    """Violations that are not as they were sealed; those that wait to be sealed again may differ."""
    table = schema.violation
    waiting = set(
        connection.execute(
            gathering.beyond(connection, namespace).with_only_columns(table.c.fingerprint)
        ).scalars()
    )
    gone = select(schema.violation_gone.c.fingerprint).where(schema.violation_gone.c.namespace == namespace)
    taken_back = set(connection.execute(gone).scalars())
    wanted = select(table).where(table.c.namespace == namespace)
    with connection.execution_options(yield_per=1000).execute(wanted) as found:
        for row in found:
            digest, seq = seals.pop(row.fingerprint, ("", 0))
            if row.fingerprint in waiting:
                continue
            where = f"violation {row.fingerprint}"
            if not seq:
                yield Fault(where, "added: no entry of the ledger knows it")
            elif gathering.digest(row) != digest:
                yield Fault(where, f"changed: it is not as ledger entry {seq} sealed it")
    for fingerprint, (_, seq) in seals.items():
        if fingerprint not in taken_back:
            yield Fault(
                f"violation {fingerprint}", f"missing: ledger entry {seq} sealed it, and it was removed"
            )


def _cases(
    connection: Connection, namespace: str, decisions: dict[str, tuple[dict[str, Any], int]]
) -> Iterator[Fault]:
    """Cases that do not say what was decided last."""
    table = schema.review_case
    columns = (table.c.case_key, table.c.state, table.c.facts)
    for key, state, facts in connection.execute(select(*columns).where(table.c.namespace == namespace)):
        after, seq = decisions.pop(key, (decided(NEW, "{}"), 0))
        if decided(state, facts) != after:
            said = f"what ledger entry {seq} decided" if seq else "that nobody decided on it"
            yield Fault(f"case {key}", f"changed: it does not say {said}")
    for key, (_, seq) in decisions.items():
        yield Fault(f"case {key}", f"missing: ledger entry {seq} decided on it, and it was removed")
