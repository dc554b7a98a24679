"""Drains the outbox into one target, in a thread of its own: a target that hangs holds up no other.

One step: claim what is due, say it, write down what became of it. Of each alert the target hears first that
it fires, again when the store says so (and where it wants that, every `resend` seconds), at last that it is
resolved: when its period or episode is over, and not before the target has known of it for `hold` seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.clock import Clock
from monitor.errors import PrivwatchError
from monitor.outbox import (
    CLOCKS_APART,
    FIRING,
    INTERNAL,
    RESOLVED,
    Claim,
    Notice,
    Outbox,
    Outcome,
    Settled,
    Target,
)
from monitor.pipeline.alerts import SECOND, Wording

LONGEST_RETRY: Final = 60.0
"""Seconds between tries at most."""
LONGEST_WAIT: Final = 3600.0
"""Seconds a target may ask for."""
LEASE: Final = 3
"""Times a target's patience that a claim is good for."""

_LOG = logging.getLogger(__name__)

Observe = Callable[[str, str, str], None]
"""Told of each notice: target, status, and the reason it was not taken in (empty where it was)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: `hold` between firing and resolved, `idle` between looks into the outbox."""

    hold: float = 300.0
    idle: float = 1.0


class Sender:
    """Says to one target what the outbox holds for it.

    Args:
        target: where to.
        outbox: where from.
        wording: what is said.
        clock: the system's, unless a test brings another.
        pace: when.
        observe: for metrics.
    """

    def __init__(
        self,
        *,
        target: Target,
        outbox: Outbox,
        wording: Wording,
        clock: Clock,
        pace: Pace,
        observe: Observe = lambda *_: None,
    ) -> None:
        self._target = target
        self._manner = target.manner
        self._outbox = outbox
        self._wording = wording
        self._clock = clock
        self._pace = pace
        self._observe = observe
        self._failing = ""

    def run(self, wait: Callable[[float], bool]) -> None:
        """Step until `wait` (seconds; whether to stop) says so; nothing that goes wrong ends it before."""
        while not wait(0):
            try:
                busy = self.step() == self._manner.batch
            except PrivwatchError as error:
                # The store: its message has no values, and the alerts stay where they are.
                _LOG.warning("alerts for %s wait: %s", self._manner.name, error)
                busy = False
            except Exception as error:  # noqa: BLE001 - a thread that died in silence would lose every alert
                # The type alone: a message could quote what an event said.
                _LOG.error("alerts for %s wait: %s in the sender", self._manner.name, type(error).__name__)
                self._observe(self._manner.name, "", INTERNAL)
                busy = False
            if not busy and wait(self._pace.idle):
                return

    def step(self) -> int:
        """Claim, say, settle; returns how many were due."""
        now = self._clock.now()
        # While it is said nobody else may say it; whoever dies meanwhile has lost nothing but this time.
        lease = now + round(LEASE * self._manner.patience * SECOND)
        found = self._outbox.claim(self._manner.name, now, lease, self._manner.batch)
        if not found:
            return 0
        claims = [_not_ahead(claim, now) for claim in found]
        later = [self._later(claim, now) for claim in claims if not self._says(claim, now)]
        asked = [claim for claim in claims if self._says(claim, now)]
        notices = [self._notice(claim, now) for claim in asked]
        outcomes = self._target.send(notices, now) if notices else ()
        then = self._clock.now()
        settled = [
            self._settled(claim, notice, outcome, then)
            for claim, notice, outcome in zip(asked, notices, outcomes, strict=True)
        ]
        self._outbox.settle(self._manner.name, [*later, *settled], then)
        self._tell(notices, outcomes)
        return len(claims)

    def _says(self, claim: Claim, now: int) -> str:
        """The status to say now; empty where there is nothing to say yet."""
        if claim.told < claim.wanted:
            return FIRING
        if claim.told_at is None or max(claim.ends, self._held_until(claim)) <= now:
            return RESOLVED
        return FIRING if self._manner.resend else ""

    def _held_until(self, claim: Claim) -> int:
        return (claim.told_at or 0) + round(self._pace.hold * SECOND)

    def _notice(self, claim: Claim, now: int) -> Notice:
        status = self._says(claim, now)
        if status == RESOLVED:
            return self._wording.notice(claim, status, max(min(claim.ends, now), claim.starts))
        # If nothing more is heard of us it ends by itself, but not because one of us was away for a while.
        after = now + round(max(4 * self._manner.resend, self._pace.hold) * SECOND)
        return self._wording.notice(claim, status, max(claim.ends, after))

    def _later(self, claim: Claim, now: int) -> Settled:
        due = max(claim.ends, self._held_until(claim), now + SECOND)
        return Settled(claim, due, claim.told, claim.told_at)

    def _settled(self, claim: Claim, notice: Notice, outcome: Outcome, now: int) -> Settled:
        if outcome.reason:
            attempts = claim.attempts + 1
            wait = max(min(2.0 ** min(claim.attempts, 10), LONGEST_RETRY), min(outcome.wait, LONGEST_WAIT))
            due = now + round(wait * SECOND)
            return Settled(claim, due, claim.told, claim.told_at, attempts, outcome.reason)
        if notice.status == RESOLVED:
            return Settled(claim, now, claim.told, now, done=True)
        # A repeated word does not move the hold: it counts from the word that was new.
        fresh = claim.told < claim.wanted or claim.told_at is None
        told_at = now if fresh else claim.told_at
        due = max(claim.ends, (told_at or now) + round(self._pace.hold * SECOND))
        if self._manner.resend:
            due = min(due, now + round(self._manner.resend * SECOND))
        return Settled(claim, max(due, now + SECOND), claim.wanted, told_at)

    def _tell(self, notices: Sequence[Notice], outcomes: Sequence[Outcome]) -> None:
        for notice, outcome in zip(notices, outcomes, strict=True):
            self._observe(self._manner.name, notice.status, outcome.reason)
        reasons = {outcome.reason for outcome in outcomes}
        failing = next((reason for reason in sorted(reasons) if reason), "")
        if failing != self._failing and notices:
            if failing:
                _LOG.warning("alerts for %s wait, and are tried again: %s", self._manner.name, failing)
            else:
                _LOG.warning("alerts for %s are taken in again", self._manner.name)
            self._failing = failing


def _not_ahead(claim: Claim, now: int) -> Claim:
    """What was told by a clock that was ahead was told now."""
    if claim.told_at is None or claim.told_at <= now + CLOCKS_APART:
        return claim
    return replace(claim, told_at=now)
