"""Whether the daemon lives and is ready: asked over HTTP, by systemd and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from monitor.clock import Clock

ASKED_SECONDS = 1.0
"""How long an answer of a check stands: whoever asks more often gets the same one again."""

Checked = tuple[bool, str]
"""Whether it is well, and in a few words of ours what is known."""


class Health:
    """Alive while the loop turns, ready while every check holds."""

    def __init__(self, clock: Clock, stalled_seconds: float, version: str) -> None:
        self._clock = clock
        self._stalled = stalled_seconds
        self._version = version
        self._turned: float | None = None
        self._checks: dict[str, Callable[[], Checked]] = {}
        self._last: tuple[float, dict[str, Checked]] | None = None
        self._one_at_a_time = Lock()

    def beat(self) -> None:
        """The loop came round, or waits for something it knows of."""
        self._turned = self._clock.monotonic()

    def check(self, name: str, ask: Callable[[], Checked]) -> None:
        """Be ready only while `ask` says so; what it raises counts as no."""
        self._checks[name] = ask

    @property
    def alive(self) -> bool:
        """Whether the loop has turned lately; before its first turn it is being started."""
        return self._turned is None or self._clock.monotonic() - self._turned <= self._stalled

    def healthy(self) -> tuple[bool, Mapping[str, str]]:
        """For `/healthz`."""
        since = "starting" if self._turned is None else f"{self._clock.monotonic() - self._turned:.1f} s ago"
        return self.alive, {"version": self._version, "last_turn": since}

    def ready(self) -> tuple[bool, Mapping[str, str]]:
        """For `/readyz`: false until the first turn, and while any check fails."""
        with self._one_at_a_time:
            now = self._clock.monotonic()
            if self._last is None or now - self._last[0] >= ASKED_SECONDS:
                self._last = now, {name: _asked(ask) for name, ask in self._checks.items()}
            checks = self._last[1]
        started = self._turned is not None and self.alive
        told = {name: words for name, (_, words) in checks.items()}
        return started and all(well for well, _ in checks.values()), {"version": self._version, **told}


def _asked(ask: Callable[[], Checked]) -> Checked:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
        return False, f"cannot be asked ({type(error).__name__})"
