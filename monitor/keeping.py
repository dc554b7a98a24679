"""Keeping the ledger while the daemon runs: sealing what was found, and once a day removing what is too old.

A part of the composition root. All of it happens between turns, in steps of some hundred milliseconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from monitor.casebook import Casebook
from monitor.clock import Clock
from monitor.errors import StoreAwayError, StoreError
from monitor.ledger.signing import Signer, named
from monitor.review import retention
from monitor.sections import RetentionSettings
from monitor.settings import Settings
from monitor.sinks.keeping_metrics import KeepingMetrics
from monitor.store import keyfile
from monitor.store.repository import SqlStore

log = logging.getLogger(__name__)

AT_ONCE: Final = 1000
"""Violations of one step."""

RETRY_SECONDS: Final = 60.0
"""Until the next try, where the store was away."""

DAY: Final = 86_400_000_000
"""Microseconds."""

SUFFIX: Final = ".ledger.key"
"""Of the ledger's key where no file is named: beside the key of fingerprints."""


class Keeper:
    """Takes one step whenever it is called and something is due.

    Args:
        book: the store as the review sees it.
        policy: how long what is kept.
        seal_seconds: between times that what was found is sealed; 0: never.
        clock: for both.
        sealed: told how many violations went into the ledger.
        removed: told what went, and how many.
    """

    def __init__(
        self,
        book: Casebook,
        policy: RetentionSettings,
        seal_seconds: float,
        clock: Clock,
        *,
        sealed: Callable[[int], None] = lambda _: None,
        removed: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        self._book = book
        self._policy = policy
        self._seal_seconds = seal_seconds
        self._clock = clock
        self._sealed = sealed
        self._removed = removed
        self._seal_at = clock.monotonic() if seal_seconds else inf
        self._not_before = -inf
        self._day = -1
        self._steps: Iterator[tuple[str, int]] | None = None

    def between(self) -> None:
        """Take the next step, if one is due."""
        now = self._clock.monotonic()
        if now < self._not_before:
            return
        try:
            self._step(now)
        except StoreAwayError as error:
            self._steps, self._not_before = None, now + RETRY_SECONDS
            log.warning("the ledger waits: %s", error)
        except StoreError as error:
            self._steps, self._not_before = None, inf
            log.error("nothing is sealed or removed until the next start: %s", error)  # noqa: TRY400 - its words say what to do

    def _step(self, now: float) -> None:
        at = self._clock.now()
        if now >= self._seal_at:
            taken = self._book.gather(at, AT_ONCE)
            self._sealed(taken)
            if not taken:
                self._seal_at = now + self._seal_seconds
            return
        if self._steps is None and self._policy.daily and at // DAY != self._day:
            self._steps = retention.steps(self._book, self._policy, at, "privwatch", AT_ONCE)
        if self._steps is None:
            return
        step = next(self._steps, None)
        if step is None:
            self._steps, self._day = None, at // DAY
        elif step[0]:
            self._removed(*step)
            log.info("retention: %s %s went", f"{step[1]:,}", retention.LABELS[step[0]])


def keeper(
    settings: Settings, store: SqlStore, clock: Clock, registry: CollectorRegistry
) -> Callable[[], None]:
    """What is to be called between turns; nothing is kept where there is no key and nobody asked for it.

    Raises:
        StoreError: the key cannot be used, or the ledger was begun with another one.
    """
    wanted, path = settings.ledger, key_file(settings)
    asked = wanted.key is not None or settings.retention.daily
    if not asked and not (path.exists() and wanted.seal_seconds):
        return _nothing
    begun = store.public_key()
    signer = Signer(keyfile.load_key(path, begun=begun is not None, option="ledger.key"))
    if begun not in {None, signer.public}:
        raise StoreError(
            f"store {store.place}: its ledger was begun with the key {named(str(begun))}, and {path} is "
            f"{named(signer.public)}; restore the key from your backup, or name its file in ledger.key"
        )
    lay_out(path.with_suffix(".pub"), signer.public)
    metrics = KeepingMetrics(registry)
    made = Keeper(
        store.casebook(signer),
        settings.retention,
        wanted.seal_seconds,
        clock,
        sealed=metrics.sealed,
        removed=metrics.removed,
    )
    return made.between


def key_file(settings: Settings) -> Path:
    """Where the ledger's key is."""
    return settings.ledger.key or settings.key.with_suffix(SUFFIX)


def lay_out(file: Path, public: str) -> None:
    """Put the public key beside the private one; where that folder is mounted to be read only, do without."""
    try:
        file.write_text(public + "\n", encoding="ascii")
    except OSError as error:
        log.info("%s: the public key is not written there (%s); it is %s", file, error.strerror, public)


def _nothing() -> None:
    """Where nothing is kept."""
