"""Debian packages that suites need, installed where we may."""

import os
import shutil
import subprocess
from collections.abc import Iterable


def install(packages: Iterable[str]) -> None:
    """Install them as root; who is not, and where there is no apt-get, goes on without."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
        )
