"""Whether a ledger is as it was written: what is wrong is named, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from monitor.ledger.entries import ERASURE, NOTHING, Entry, Head, Payload, chained, commitment, note

Signed = Callable[[bytes, str], bool]
"""Whether a text bears that signature."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written.

    Attributes:
        where: which row: `ledger entry 17`, `violation 3f…`.
        what: what is wrong with it.
    """

    where: str
    what: str


@dataclass
class Chain:
    """Reads a ledger from its first entry on, and says what is wrong with it.

    Attributes:
        origin: name of the ledger.
        signed: checks signatures.
        read: entries read.
    """

    origin: str
    signed: Signed
    read: int = 0
    _number: int = 0
    _last: Entry | None = None
    _trusted: bool = True
    _bare: set[int] = field(default_factory=set)
    _erased: set[int] = field(default_factory=set)

    def follow(self, entry: Entry, payload: Payload | None) -> Iterator[Fault]:
        """What is wrong with the next entry; `payload` is None where it has none any more."""
        self.read += 1
        here = f"ledger entry {entry.seq}"
        if entry.seq != self._number + 1:
            yield Fault(_numbers(self._number + 1, entry.seq - 1), "missing: it was removed")
        faults = list(self._entry(entry)) + list(self._payload(entry, payload))
        yield from (Fault(here, what) for what in faults)
        self._number, self._last, self._trusted = entry.seq, entry, not faults

    def _entry(self, entry: Entry) -> Iterator[str]:
        if entry.hash != _hash(self.origin, entry):
            yield "changed: its hash is not that of what it says"
            return
        if not self.signed(note(Head(self.origin, entry.seq, entry.hash)), entry.signature):
            yield "changed: its signature is not that of the ledger's key"
            return
        if entry.seq != self._number + 1 or not self._trusted:
            return  # what is wrong was said of the entry before
        if entry.previous != (self._last.hash if self._last else NOTHING):
            yield "moved: it follows another entry than the one before it"
        if self._last is not None and entry.at < self._last.at:
            yield "back-dated: its time is before that of the entry before it"

    def _payload(self, entry: Entry, payload: Payload | None) -> Iterator[str]:
        if payload is None:
            self._bare.add(entry.seq)
        elif _commitment(payload) != entry.commitment:
            yield "its payload was changed"
        elif entry.kind == ERASURE:
            self._erased.update(payload.content["entries"])

    def end(self, head: Head | None) -> Iterator[Fault]:
        """What is wrong with the ledger's end, and payloads that are gone without an erasure."""
        size, last = (head.size, head.hash) if head else (0, NOTHING)
        if size > self._number:
            yield Fault(_numbers(self._number + 1, size), "missing: it was removed")
        elif size < self._number or (self._last and self._trusted and last != self._last.hash):
            yield Fault("head of the ledger", "changed: it does not name the last entry")
        for seq in sorted(self._bare - self._erased):
            yield Fault(f"ledger entry {seq}", "its payload was removed, and no erasure says so")


def _commitment(payload: Payload) -> str:
    try:
        return commitment(payload)
    except (ValueError, TypeError, AttributeError):  # a database may hold bytes where texts were
        return ""


def _hash(origin: str, entry: Entry) -> str:
    try:
        return chained(origin, entry)
    except (ValueError, TypeError):
        return ""


def _numbers(first: int, last: int) -> str:
    return f"ledger entry {first}" if first >= last else f"ledger entries {first} to {last}"


def check_chain(
    head: Head | None, origin: str, entries: Iterable[tuple[Entry, Payload | None]], signed: Signed
) -> Iterator[Fault]:
    """Everything that is wrong with a ledger, its entries given in the order of their numbers."""
    chain = Chain(origin, signed)
    for entry, payload in entries:
        yield from chain.follow(entry, payload)
    yield from chain.end(head)
