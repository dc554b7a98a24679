"""Programs that write, rotate and ship logs in earnest, from Debian's packages."""

import os
import shutil
from pathlib import Path

from tests.support import debian
from tests.support.unmet import cannot_run

PACKAGES = {"nginx": "nginx-light", "logrotate": "logrotate", "rsyslogd": "rsyslog-kafka"}

OUTPUT = "**/rsyslog/omkafka.so"
"""rsyslog's output to Kafka, a package of its own."""


def tool(name: str) -> str | None:
    """The program, also where a user's shell does not look."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def missing(name: str) -> str:
    """Why the program cannot be started here, or an empty string."""
    lacking = tool(name) is None or (name == "rsyslogd" and not list(Path("/usr/lib").glob(OUTPUT)))
    return f"no {name} on this machine (Debian: {PACKAGES[name]})" if lacking else ""


def needed(name: str) -> str:
    """The program; the test cannot run without it."""
    if reason := missing(name):
        cannot_run(reason)
    return str(tool(name))


def provision() -> None:
    """Install what is missing where we may."""
    lacking = [package for name, package in PACKAGES.items() if missing(name)]
    if lacking:
        debian.install(lacking)
