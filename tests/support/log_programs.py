"""Programs that write and rotate logs in earnest: nginx and logrotate, from Debian's packages."""

import os
import shutil

from tests.support import debian
from tests.support.unmet import cannot_run

PACKAGES = {"nginx": "nginx-light", "logrotate": "logrotate"}


def tool(name: str) -> str | None:
    """The program, also where a user's shell does not look."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def needed(name: str) -> str:
    """The program; the test cannot run without it."""
    found = tool(name)
    if found is None:
        cannot_run(f"no {name} on this machine (Debian: {PACKAGES[name]})")
    return found


def provision() -> None:
    """Install what is missing where we may."""
    lacking = [package for name, package in PACKAGES.items() if tool(name) is None]
    if lacking:
        debian.install(lacking)
