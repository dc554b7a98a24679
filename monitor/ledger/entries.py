"""Entries of the ledger, and what binds them: commitments, a hash chain, the note that is signed.

An entry holds a salted commitment to its payload, SHA-256 of salt and text. The payload lies beside it and
can be erased: the chain still holds, and without the salt nobody can guess what the payload was. Every entry
carries a signed checkpoint of the ledger up to itself.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SALT_BYTES = 16

NOTHING = "0" * 64
"""What the first entry follows."""

ERASURE = "erasure"
"""Kind of the entry whose payload lists the numbers of `entries` that lost theirs."""

RETENTION = "retention"
"""Kind of the entry that says what was removed since it was too old, and why; `cases` are keys of cases."""

SEAL = "violations"
"""Kind of the entry whose payload lists digests of violations as they were, `sealed`, and those `gone`."""


COUNTS = "counts"
"""Field of a seal that says how many of each it lists: the first of its text, which can be long."""


GLANCE = 4096
"""Characters of a payload that are read for a glance at it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be written down.

    Attributes:
        kind: a word, such as `verdict` or `export`.
        ref: what it is about: the key of a case, the name of an account, empty.
        who: the account that did it, `privwatch` where nobody did.
        body: anything JSON can say; never personal data from logs.
    """

    kind: str
    ref: str
    who: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands. Hashes and the signature are hex digits, `at` is microseconds UTC."""

    seq: int
    at: int
    kind: str
    ref: str
    who: str
    commitment: str
    previous: str
    hash: str
    signature: str


@dataclass(frozen=True, slots=True)
class Payload:
    """What an entry commits to: `salt` as hex digits, `body` as the very text of the JSON."""

    salt: str
    body: str

    @property
    def content(self) -> dict[str, Any]:
        """The body, read."""
        return dict(json.loads(self.body))


@dataclass(frozen=True, slots=True)
class Outline:
    """How a payload begins, for whoever wants a glance: `begin` are at most `GLANCE` of its characters."""

    begin: str
    length: int

    @property
    def content(self) -> dict[str, Any]:
        """The body where that is all of it; else how many things it lists, where it begins with that."""
        if self.length <= len(self.begin):
            return dict(json.loads(self.begin))
        opening = f'{{"{COUNTS}":'
        if not self.begin.startswith(opening):
            return {"characters": self.length}
        counts, _ = json.JSONDecoder().raw_decode(self.begin, len(opening))
        return dict(counts)


@dataclass(frozen=True, slots=True)
class Head:
    """How long a ledger is, and the hash of its last entry; `origin` names the ledger."""

    origin: str
    size: int
    hash: str


def canonical(value: object) -> str:
    """JSON in one form only: keys in order, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sealed(body: Mapping[str, Any]) -> tuple[Payload, str]:
    """The payload with a fresh salt, and the commitment to it."""
    payload = Payload(secrets.token_hex(SALT_BYTES), canonical(body))
    return payload, commitment(payload)


def commitment(payload: Payload) -> str:
    """SHA-256 of salt and text, as hex digits."""
    return hashlib.sha256(bytes.fromhex(payload.salt) + payload.body.encode()).hexdigest()


def chained(origin: str, entry: Entry) -> str:
    """The hash that `entry` must have in the ledger `origin`: of everything but itself and the signature."""
    facts = [entry.seq, entry.at, entry.kind, entry.ref, entry.who, entry.commitment, entry.previous]
    return hashlib.sha256(canonical(["privwatch ledger entry 1", origin, *facts]).encode()).hexdigest()


def note(head: Head) -> bytes:
    """The text that is signed for a ledger of this size: origin, size, hash, each on a line of its own."""
    return f"privwatch ledger checkpoint 1\n{head.origin}\n{head.size}\n{head.hash}\n".encode()
