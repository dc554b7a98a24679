"""A command as a person meets it: in its own process, at a terminal of some width, in some environment."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.shipped import ROOT

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "bare": {},
    "ci": {"CI": "true", "GITHUB_ACTIONS": "true"},
    "force-color": {"FORCE_COLOR": "1", "PY_COLORS": "1"},
    "no-color": {"NO_COLOR": "1"},
    "dumb": {"TERM": "dumb"},
}
"""What typer and rich react to."""

_KEPT = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
_SGR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Said:
    """Exit code and what stood on both streams, colours taken off."""

    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """Only what a command needs, whatever this suite runs in, and what the test adds."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONUTF8": "1", "TERM": "xterm-256color", "SHELL": "/bin/bash", **extra}


def run(
    arguments: list[str], *, cwd: Path, columns: int | None = None, extra: Mapping[str, str] = {}
) -> Said:
    """`privwatch` with stdout on a terminal of so many columns, or in a pipe where none are given."""
    command = [sys.executable, "-m", "monitor", *arguments]
    if columns is None:
        piped = subprocess.run(
            command, cwd=cwd, env=environment(extra), capture_output=True, timeout=120, check=False
        )
        return Said(piped.returncode, plain(piped.stdout), plain(piped.stderr))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command, cwd=cwd, env=environment(extra), stdin=follower, stdout=follower, stderr=subprocess.PIPE
    ) as process:
        os.close(follower)
        out = b"".join(iter(lambda: _read(leader), b""))
        os.close(leader)
        assert process.stderr is not None
        err = process.stderr.read()
        code = process.wait(120)
    return Said(code, plain(out), plain(err))


_EACH = """
import json, sys
from tests.support.command import privwatch
done = [privwatch(*arguments, folder=".", columns=100) for arguments in json.load(sys.stdin)]
json.dump([(one.code, one.out, one.err) for one in done], sys.stdout)
"""


def run_all(commands: list[list[str]], *, cwd: Path, extra: Mapping[str, str]) -> list[Said]:
    """All of the commands in pipes, one after the other in one process of that environment."""
    done = subprocess.run(
        [sys.executable, "-c", _EACH],
        cwd=cwd,
        env={**environment(extra), "PYTHONPATH": str(ROOT), "TERMINAL_WIDTH": "100"},
        input=json.dumps(commands).encode(),
        capture_output=True,
        timeout=280,
        check=True,
    )
    return [Said(code, *(plain(text.encode()) for text in texts)) for code, *texts in json.loads(done.stdout)]


def _read(leader: int) -> bytes:
    """What the process wrote; the terminal of a process that ended gives an error on Linux."""
    try:
        return os.read(leader, 65_536)
    except OSError:
        return b""


def plain(data: bytes) -> str:
    """Text without colours, blanks at the ends of lines and carriage returns."""
    text = _SGR.sub("", data.decode()).replace("\r\n", "\n")
    return re.sub(r" +$", "", text, flags=re.MULTILINE)
