"""The command `privwatch`."""

from __future__ import annotations

import errno
import sys
from typing import NoReturn

from monitor import printable
from monitor.cli import app
from monitor.errors import PrivwatchError
from monitor.logs import crash

COULD_NOT_RUN = 2
"""Exit code where nothing could be done; the reason is on stderr."""


CRASHED = 70
"""Exit code after an error of our own (EX_SOFTWARE of sysexits.h)."""


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Nothing more can be written there."""

EXTRAS = {
    "argon2": "web",
    "authlib": "oidc",
    "jinja2": "web",
    "requests": "oidc",
    "starlette": "web",
    "uvicorn": "web",
}
"""Packages that only an extra brings, and which one. Of other extras whoever uses them says so."""


def main() -> None:
    """Run the command line; a refusal is one message, never a traceback."""
    try:
        app()
    except PrivwatchError as error:
        sys.stderr.write(f"privwatch: {printable.lines(str(error))}\n")
        sys.exit(COULD_NOT_RUN)
    except OSError as error:
        if error.errno not in FULL:
            _crashed(error)
        where = f"{error.filename}: " if error.filename else "the output: "
        said = f"{where}{error.strerror}; make room, then run the same command again"
        sys.stderr.write(f"privwatch: {printable.lines(said)}\n")
        sys.exit(COULD_NOT_RUN)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            _crashed(error)
        said = f"this command needs what is not installed; run: pip install 'privwatch[{extra}]'"
        sys.stderr.write(f"privwatch: {said}\n")
        sys.exit(COULD_NOT_RUN)
    except Exception as error:  # noqa: BLE001 - a traceback would quote what was being read
        _crashed(error)


def _crashed(error: Exception) -> NoReturn:
    sys.stderr.write(f"privwatch: {crash(error)}\n")
    sys.exit(CRASHED)


if __name__ == "__main__":
    main()
