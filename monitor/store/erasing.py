"""Which payloads of the ledger may go: those that are old, and that nothing in the store rests on any more.

`proving` works out from payloads what the store must hold: the last seal of each violation, the last decision
on each case, the last word on each account and token. Those stay, and with a seal that stays whatever says
that another of its violations is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from monitor.ledger.entries import ERASURE, RETENTION, SEAL
from monitor.store import ledger, schema


@dataclass
class _Rests:
    """Who rests on which entry.

    Attributes:
        last: what was said last: (kind of thing, its name) to the number of the entry.
        ends: the entries that say that a thing is no more.
        said: entry to the things it says something of.
        old: entries with payloads that are old enough.
    """

    last: dict[tuple[str, str], int] = field(default_factory=dict)
    ends: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    said: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    old: list[int] = field(default_factory=list)
    keeps: set[int] = field(default_factory=set)

    def take(self, kind: str, ref: str, seq: int, content: Mapping[str, Any]) -> None:
        """Take in what an entry says."""
        things: list[tuple[str, str]] = []
        if kind == SEAL:
            things = [("violation", fingerprint) for fingerprint, _ in content["sealed"]]
            self._end(seq, [("violation", fingerprint) for fingerprint in content["gone"]])
            things.append(("cursor", ""))
        elif kind.startswith("case."):
            things = [("case", ref)]
        elif kind == "account.kept":
            things = [("account", ref)]
        elif kind.startswith("token."):
            things = [("token", content["token"])]
        elif kind == RETENTION:
            self._end(seq, [("case", key) for key in content.get("cases", ())])
        elif kind == ERASURE:
            self.keeps.add(seq)
        self.last.update(dict.fromkeys(things, seq))
        self.said[seq] = things

    def _end(self, seq: int, things: list[tuple[str, str]]) -> None:
        for thing in things:
            self.ends.setdefault(thing, []).append(seq)
            self.last.pop(thing, None)

    def free(self) -> list[int]:
        """The old entries that nothing rests on."""
        pending = sorted(self.keeps | set(self.last.values()))
        kept: set[int] = set()
        while pending:
            seq = pending.pop()
            if seq in kept:
                continue
            kept.add(seq)
            for thing in self.said.get(seq, ()):
                pending += [end for end in self.ends.get(thing, ()) if end > seq]
        return [seq for seq in self.old if seq not in kept]


def erasable(connection: Connection, namespace: str, before: int) -> tuple[int, ...]:
    """Numbers of the entries older than `before` (microseconds UTC) whose payloads may go."""
    table, beside = schema.ledger, schema.ledger_payload
    both = (table.c.namespace == beside.c.namespace) & (table.c.seq == beside.c.seq)
    oldest = select(table.c.seq).select_from(table.join(beside, both)).where(table.c.namespace == namespace)
    if connection.execute(oldest.where(table.c.at < before).limit(1)).first() is None:
        return ()
    rests = _Rests()
    for entry, payload in ledger.every(connection, namespace):
        if payload is None:
            continue
        rests.take(entry.kind, entry.ref, entry.seq, payload.content)
        if entry.at < before:
            rests.old.append(entry.seq)
    return tuple(rests.free())
