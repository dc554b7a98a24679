"""The command `privwatch`."""

from __future__ import annotations

import sys

from monitor.cli import app
from monitor.errors import PrivwatchError

COULD_NOT_RUN = 2
"""Exit code where nothing could be done; the reason is on stderr."""


def main() -> None:
    """Run the command line; a refusal is one message, never a traceback."""
    try:
        app()
    except PrivwatchError as error:
        sys.stderr.write(f"privwatch: {error}\n")
        sys.exit(COULD_NOT_RUN)


if __name__ == "__main__":
    main()
