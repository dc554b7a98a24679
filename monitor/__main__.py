"""The command `privwatch`."""

from __future__ import annotations

import sys

from monitor import printable
from monitor.cli import app
from monitor.errors import PrivwatchError
from monitor.logs import crash

COULD_NOT_RUN = 2
"""Exit code where nothing could be done; the reason is on stderr."""


CRASHED = 70
"""Exit code after an error of our own (EX_SOFTWARE of sysexits.h)."""


def main() -> None:
    """Run the command line; a refusal is one message, never a traceback."""
    try:
        app()
    except PrivwatchError as error:
        sys.stderr.write(f"privwatch: {printable.lines(str(error))}\n")
        sys.exit(COULD_NOT_RUN)
    except Exception as error:  # noqa: BLE001 - a traceback would quote what was being read
        sys.stderr.write(f"privwatch: {crash(error)}\n")
        sys.exit(CRASHED)


if __name__ == "__main__":
    main()
