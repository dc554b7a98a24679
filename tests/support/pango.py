"""Pango, which draws the text of a PDF: a library of the system, from Debian's packages."""

import ctypes

from tests.support import debian
from tests.support.unmet import cannot_run

LIBRARY = "libpangoft2-1.0.so.0"
PACKAGES = ("libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")


def missing() -> str:
    """Why no PDF can be drawn here, or an empty string."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return f"no Pango on this machine (Debian: {PACKAGES[0]})"
    return ""


def provision() -> None:
    """Install it where we may."""
    if missing():
        debian.install(PACKAGES)


def needed() -> None:
    """The test cannot run without it."""
    reason = missing()
    if reason:
        cannot_run(reason)
