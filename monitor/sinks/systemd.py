"""What systemd is told: that the daemon is ready, alive, reloading, stopping (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from monitor.clock import Clock


class Notifier:
    """Datagrams to the socket that NOTIFY_SOCKET names; without one, nothing.

    A manager that does not listen is no reason to stop: what cannot be sent is let go.
    """

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ is how an abstract address is written down.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._clock = clock
        micros = environment.get("WATCHDOG_USEC", "")
        self._watchdog = int(micros) / 2e6 if micros.isdecimal() and int(micros) else 0.0
        self._beaten = 0.0

    def ready(self, status: str) -> None:
        """The daemon does what it is there for; `status` is shown by `systemctl status`."""
        self._beaten = self._clock.monotonic()
        self._send("READY=1", f"STATUS={_line(status)}")

    def alive(self) -> None:
        """The loop came round: tell the watchdog, where there is one, twice as often as it asks."""
        now = self._clock.monotonic()
        if self._watchdog and now - self._beaten >= self._watchdog:
            self._beaten = now
            self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Changed rules are being taken into use; `ready` says that it is done."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={round(self._clock.monotonic() * 1e6)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(1)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return


def _line(text: str) -> str:
    return " ".join(text.split())
