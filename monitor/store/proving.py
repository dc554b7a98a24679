"""Whether the store is as the ledger says: chain, sealed violations, decided cases, accounts, tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from monitor.casebook import NEW
from monitor.ledger.check import Chain, Fault
from monitor.ledger.entries import RETENTION, SEAL
from monitor.ledger.signing import signed
from monitor.model import FILTERED
from monitor.store import gathering, ledger, schema

_DECIDED = ("state", "unsettled", "version", "due_at", "expires_at")
_UNDECIDED = {"state": NEW, "unsettled": 1, "version": 0, "due_at": None, "expires_at": None, "facts": "{}"}
_ADMITTED = ("role", "active")
_GRANTED = ("account", "label", "scopes", "created_at", "expires_at", "revoked_at")


def decided(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of a decided case: the columns decisions set, of `facts` the digest."""
    return {name: case[name] for name in _DECIDED} | {"facts": _digest(case["facts"])}


def admitted(account: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of an account: role, whether it may come in, a digest for its password."""
    return {name: account[name] for name in _ADMITTED} | {"password": _digest(account["password"])}


def granted(token: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of a program's token: all but when it was used, and a digest of its hash."""
    return {name: token[name] for name in _GRANTED} | {"hash": _digest(token["hash"])}


def _digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


@dataclass
class _Said:
    """What the ledger says, each with the number of the entry: seals, decisions, accounts, tokens."""

    seals: dict[str, tuple[str, int]] = field(default_factory=dict)
    cases: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    accounts: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    read: tuple[int, str] | None = None
    """How far violations were gathered; None of a ledger that does not say so."""

    def take(self, kind: str, ref: str, seq: int, content: dict[str, Any]) -> None:
        """Take in what an entry says."""
        if kind == SEAL:
            self.seals.update((fingerprint, (digest, seq)) for fingerprint, digest in content["sealed"])
            for fingerprint in content["gone"]:
                self.seals.pop(fingerprint, None)
            if "read" in content:
                self.read = (content["read"][0], content["read"][1])
        elif kind == RETENTION:
            for key in content.get("cases", ()):
                self.cases.pop(key, None)
        elif kind.startswith("case."):
            self.cases[ref] = content["after"], seq
        elif kind == "account.kept":
            older = {name: content[name] for name in _ADMITTED}
            self.accounts[ref] = content.get("after", older), seq
        elif kind.startswith("token."):
            self.tokens[content["token"]] = content["after"], seq


def prove(connection: Connection, namespace: str, public: str) -> Iterator[Fault]:
    """Everything that is not as it was written.

    Args:
        connection: a transaction that sees one state of the store.
        namespace: of the store.
        public: key that the ledger must be signed with; who believes the one in the store believes whoever
            could write there.
    """
    found = ledger.head(connection, namespace)
    if found is None:
        if gathering.read(connection, namespace)[0]:
            yield Fault("head of the ledger", "missing: it was removed, and nothing vouches for the rest")
        return
    head = found[0]
    chain = Chain(head.origin, lambda text, signature: signed(public, text, signature))
    said, wrong = _Said(), 0
    for entry, payload in ledger.every(connection, namespace):
        faults = list(chain.follow(entry, payload))
        yield from faults
        wrong += bool(faults)
        if payload is not None and not faults:
            said.take(entry.kind, entry.ref, entry.seq, payload.content)
    yield from chain.end(head)
    if found[1] != public:
        yield Fault("head of the ledger", "changed: it names another key than the one this is checked with")
    elif wrong == chain.read:
        yield Fault("head of the ledger", "changed: no entry is of the ledger that it names")
    for seq in ledger.stray(connection, namespace, head.size):
        yield Fault(f"ledger entry {seq}", "added: there is a payload, and no entry knows it")
    if said.read not in {None, gathering.read(connection, namespace)}:
        yield Fault("review_cursor", "changed: it is not where the last seal stopped reading")
    keys = yield from _violations(connection, namespace, said)
    yield from _cases(connection, namespace, said.cases, keys)
    kept = _rows(connection, namespace, schema.account, "name")
    yield from _kept("account", {name: admitted(row) for name, row in kept.items()}, said.accounts)
    kept = _rows(connection, namespace, schema.api_token, "id")
    yield from _kept("token", {name: granted(row) for name, row in kept.items()}, said.tokens)


def _violations(connection: Connection, namespace: str, said: _Said) -> Generator[Fault, None, set[str]]:
    """Violations that are not as they were sealed; those that wait to be sealed again may differ.

    Returns the keys of the cases that there must be.
    """
    table, seals, keys = schema.violation, said.seals, set[str]()
    beyond = gathering.beyond(connection, namespace, said.read)
    waiting = set(connection.execute(beyond.with_only_columns(table.c.fingerprint)).scalars())
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
            elif not _as_sealed(row, digest):
                yield Fault(where, f"changed: it is not as ledger entry {seq} sealed it")
            elif row.status != FILTERED:
                keys.add(row.group_key or row.fingerprint)
    for fingerprint, (_, seq) in seals.items():
        if fingerprint not in taken_back:
            yield Fault(
                f"violation {fingerprint}", f"missing: ledger entry {seq} sealed it, and it was removed"
            )
    return keys


def _as_sealed(row: Row[Any], digest: str) -> bool:
    try:
        return gathering.digest(row) == digest
    except ValueError:  # a number that no program of ours writes
        return False


def _cases(
    connection: Connection,
    namespace: str,
    decisions: dict[str, tuple[dict[str, Any], int]],
    keys: set[str],
) -> Iterator[Fault]:
    """Cases that do not say what was decided last, and those that are not there."""
    table = schema.review_case
    columns = (table.c.case_key, table.c.facts, *(table.c[name] for name in _DECIDED))
    for row in connection.execute(select(*columns).where(table.c.namespace == namespace)):
        after, seq = decisions.pop(row.case_key, (decided(_UNDECIDED), 0))
        keys.discard(row.case_key)
        now = decided(row._asdict())
        if any(now[name] != value for name, value in after.items()):
            said = f"what ledger entry {seq} decided" if seq else "that nobody decided on it"
            yield Fault(f"case {row.case_key}", f"changed: it does not say {said}")
    for key, (_, seq) in decisions.items():
        keys.discard(key)
        yield Fault(f"case {key}", f"missing: ledger entry {seq} decided on it, and it was removed")
    for key in sorted(keys):
        yield Fault(f"case {key}", "missing: there are violations of it, and it was removed")


def _rows(connection: Connection, namespace: str, table: Table, name: str) -> dict[str, dict[str, Any]]:
    """All rows of a small table by the column that names them."""
    found = connection.execute(select(table).where(table.c.namespace == namespace))
    return {getattr(row, name): row._asdict() for row in found}


def _kept(
    kind: str, rows: Mapping[str, dict[str, Any]], said: Mapping[str, tuple[dict[str, Any], int]]
) -> Iterator[Fault]:
    """Accounts or tokens that may do other than what the ledger says, or that others could use."""
    for name, now in rows.items():
        after, seq = said.get(name, ({}, 0))
        if not seq:
            yield Fault(f"{kind} {name}", "added: no entry of the ledger knows it")
        elif any(now[column] != value for column, value in after.items()):
            yield Fault(f"{kind} {name}", f"changed: it is not as ledger entry {seq} says")
    for name, (_, seq) in said.items():
        if name not in rows:
            yield Fault(f"{kind} {name}", f"missing: ledger entry {seq} knows it, and it was removed")
