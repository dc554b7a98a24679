"""The daemon's log: configured here and nowhere else, as JSON lines or for people, without anybody's values.

A message is ours or a library's warning. Of an exception the log tells its type and where it was raised,
never its words, which may quote what was being read; the words of a `PrivwatchError` are ours, and are told.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from monitor.errors import PrivwatchError

OURS: Final = "monitor"
"""Name of our loggers; the level of the settings is theirs. Libraries are heard from warnings on."""

QUIET_SECONDS: Final = 10.0
"""How long a library is not heard again on the same matter."""

_REMEMBERED = 1000
_FRAMES = 12
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31;1"}

log = logging.getLogger(__name__)


def configure(form: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log record, warning and uncaught exception of the process to the stream.

    Args:
        form: `json` for one object a line, `console` for people (with colour where it is a terminal).
        level: of our own records: debug, info, warning or error.
        stream: standard error unless said otherwise.
    """
    stream = stream or sys.stderr
    handler = _Handler(stream)
    coloured = stream.isatty() and "NO_COLOR" not in os.environ
    handler.addFilter(Unrepeated())
    handler.setFormatter(JsonLines() if form == "json" else Console(coloured=coloured))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


class Unrepeated(logging.Filter):
    """Lets a library say the same only once in QUIET_SECONDS; the next time tells how often it tried.

    A client whose broker is away would fill the log with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.name.split(".")[0] == OURS:
            return True
        key = record.name, str(record.msg)
        at, repeated = self._said.get(key, (-QUIET_SECONDS, 0))
        if record.created - at < QUIET_SECONDS:
            self._said[key] = at, repeated + 1
            return False
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[key] = record.created, 0
        if repeated:
            record.msg, record.args = f"{record.getMessage()} (and {repeated} times before)", ()
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what was given as `extra`, and error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            told["error"] = {"type": _kind(record.exc_info[1]), "at": list(_places(record.exc_info[1]))}
            if isinstance(record.exc_info[1], PrivwatchError):
                told["error"]["message"] = str(record.exc_info[1])
        return json.dumps(told, ensure_ascii=False, default=str)


class Console(logging.Formatter):
    """A line for people; what does not fit on it follows, indented. Control characters are left out."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last one's end."""
        level = record.levelname.lower()
        shown = f"{level:<8}"
        if self._coloured:
            shown = f"\x1b[{_COLOURS.get(level, '0')}m{shown}\x1b[0m"
        lines = [f"{_time(record)} {shown} {record.name}: {record.getMessage()}"]
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            lines.append(f"{_kind(error)}{f': {error}' if isinstance(error, PrivwatchError) else ''}")
            lines += _places(error)
        # The colour's own escape comes first on its line and stays.
        first, *rest = "\n".join(lines).splitlines() or [""]
        head, mark, tail = first.rpartition("\x1b[0m") if self._coloured else ("", "", first)
        return "\n    ".join([head + mark + _printable(tail), *map(_printable, rest)])


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """A record that cannot be formatted: the library would print its arguments."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            return  # nobody reads the stream any more, so there is nobody to tell
        record.msg, record.args = (
            f"a log record of {record.filename}:{record.lineno} could not be written",
            (),
        )
        record.exc_info = None
        self.stream.write(self.format(record) + self.terminator)


def crash(error: BaseException) -> str:
    """What a command says of an error of its own: kind and place, a line each, not the error's words."""
    return "\n    ".join(
        (f"stopped by an error of its own ({_kind(error)}); please report it", *_places(error))
    )


def _time(record: logging.LogRecord) -> str:
    at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _places(error: BaseException) -> Iterator[str]:
    """Where it was raised, innermost last, and what it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames[-_FRAMES:]:
        yield f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield f"from {_kind(cause)}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("stopped by an error of its own; please report it", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else "?"
        log.critical(
            "thread %s stopped by an error of its own; please report it",
            name,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )


def _unraisable(raised: sys.UnraisableHookArgs) -> None:
    if raised.exc_value is not None:
        log.error(
            "an error while something was let go of",
            exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback),
        )
