"""Alerts on their way out: what waits in the store, what a target is sent, and the two ports between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from monitor.model import Violation

FIRING: Final = "firing"
RESOLVED: Final = "resolved"

UNREACHABLE: Final = "unreachable"
TIMEOUT: Final = "timeout"
TLS: Final = "tls"
ANSWERED: Final = "answered_"
"""Starts the reason where the target did answer, with an HTTP status that is no success: `answered_503`."""
BROKER: Final = "broker"
INTERNAL: Final = "internal"

OVERFLOW: Final = "overflow"
"""Fingerprint of the one alert that stands for all that were held back; starts its key, too."""

CLOCKS_APART: Final = 3_600_000_000
"""Microseconds that the clocks of instances may differ. What is dated later than that was written by a clock
that was ahead: nothing waits until that time comes again, or alerts would be silent for as long."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One alert that is due at one target, as the store knows it. Times are microseconds UTC.

    Attributes:
        key, number: identify the alert: the key of `monitor.model.Alert`, and how often it was raised.
        fingerprint: of the violation when the alert was raised; what receivers know it by.
        violation: as it is now; None where it is gone from the store, and for what was held back.
        wanted, told: how often it was, or is to be, said that it fires; and how often it was said.
        told_at: when the target last took that in; None before.
        attempts: in vain, since the target last took something in.
        held: alerts held back that this one stands for.
    """

    key: str
    number: int
    fingerprint: str
    rule: str
    level: str
    tier: str
    facts: str
    starts: int
    ends: int
    wanted: int
    told: int
    told_at: int | None
    attempts: int
    violation: Violation | None = None
    held: int = 0

    @property
    def id(self) -> str:
        """Names the alert to receivers."""
        return f"{self.key}.{self.number}"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claim. `done` takes it off; else it is due again at `due`."""

    claim: Claim
    due: int
    told: int
    told_at: int | None
    attempts: int = 0
    error: str = ""
    done: bool = False


class Outbox(Protocol):
    """The alerts of one namespace that wait in the store; each method is one transaction.

    Each method raises StoreError when the database cannot do it.
    """

    def claim(self, target: str, now: int, until: int, limit: int) -> Sequence[Claim]:
        """What is due at a target, oldest first; nobody else is given it before `until`.

        Whoever dies with a claim loses nothing: after `until` it is due again.
        """
        ...

    def settle(self, target: str, settled: Sequence[Settled], now: int) -> None:
        """Write down what became of claims. What a turn said in the meantime is not lost by it."""
        ...

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """Target to the number of alerts it has still to take in, and since when the oldest waits."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """What one target is told of one alert: the same words for Alertmanager, webhooks and topics.

    Attributes:
        id: idempotency key; a receiver that sees it twice has it already.
        status: `firing` or `resolved`.
        number: the how-manieth time the same alert is said to fire, from 1.
        labels: what identifies it, in order; never a person.
        annotations: what explains it, in order, redacted.
        starts, ends: microseconds UTC; one that fires ends when it would end if nothing more came.
        link: where to read more, empty where nothing is set up.
    """

    id: str
    status: str
    number: int
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    starts: int
    ends: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a target made of a notice: empty `reason` is success. `wait`: seconds it asked for."""

    reason: str = ""
    wait: float = 0.0


TAKEN: Final = Outcome()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a target wants to be told.

    Attributes:
        name: as settings, metrics and the outbox call it.
        resend: seconds after which it is told again what still fires; 0: it is not.
        batch: notices it takes in at once.
        patience: seconds to wait for an answer.
    """

    name: str
    resend: float = 0.0
    batch: int = 1
    patience: float = 10.0


class Target(Protocol):
    """A place alerts go to."""

    @property
    def manner(self) -> Manner:
        """How it wants to be told."""
        ...

    def send(self, notices: Sequence[Notice], now: int) -> Sequence[Outcome]:
        """Hand over, and say of each what became of it; what goes wrong is an outcome, never raised."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
