"""The daemon as a process: its log, its signals, what systemd is told, and an end within ten seconds."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Final

from monitor import app, logs
from monitor.clock import SystemClock
from monitor.errors import PrivwatchError
from monitor.operate import Outside
from monitor.settings import Settings
from monitor.sinks.systemd import Notifier

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 9.0
"""After a stop was asked for, whatever still runs is ended: what was not stored is read again."""

COULD_NOT_RUN: Final = 2
CRASHED: Final = 70
CUT_SHORT: Final = 3
"""Exit code where the end had to be forced."""


def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP takes changed rules and certificates into use.

    Leaves with exit code 2 where the daemon could not run, which the log says, and 3 where it did not stop in
    time.
    """
    logs.configure(settings.log.format, settings.log.level)
    notifier = Notifier(environment, SystemClock())
    process = _Process(notifier)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.stop)
    signal.signal(signal.SIGHUP, process.hang_up)
    whole = True
    try:
        with suppress(KeyboardInterrupt):
            whole = app.run(
                settings,
                stop=process.stopped.is_set,
                started=process.started,
                outside=Outside(process.reload, notifier),
            )
    except PrivwatchError as error:
        log.error("%s", error)  # noqa: TRY400 - its words say what to do, where it was raised says nothing
        sys.exit(COULD_NOT_RUN)
    except BaseException:  # a panic within polars is no Exception
        log.critical("stopped by an error of its own; please report it", exc_info=True)
        sys.exit(CRASHED)
    notifier.stopping()
    log.info("stopped; %s", "what was read is stored" if whole else "what is not stored is read again")


class _Process:
    """What signals do."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._reading = False
        self._reload = threading.Event()
        self.stopped = threading.Event()

    def started(self, line: str) -> None:
        """All of it works."""
        self._reading = True
        log.info("%s", line)
        self._notifier.ready(line)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after the turn at hand, or at once where nothing was read yet; in any case in time."""
        again = self.stopped.is_set()
        if not again:
            deadline = threading.Timer(STOP_SECONDS, _cut_short)
            deadline.daemon = True
            deadline.start()
            self._notifier.stopping()
        self.stopped.set()
        if not self._reading and not again:
            raise KeyboardInterrupt  # nothing was read yet, so that there is nothing to wait for

    def hang_up(self, _number: int, _frame: FrameType | None) -> None:
        """Have changed rules looked for."""
        self._reload.set()

    def reload(self) -> bool:
        """Whether that was asked for since the last call."""
        if not self._reload.is_set():
            return False
        self._reload.clear()
        return True


def _cut_short() -> None:
    log.error("not stopped within %g s: ended all the same; what was not stored is read again", STOP_SECONDS)
    logging.shutdown()
    os._exit(CUT_SHORT)
