"""A process under the confinement of a unit, as far as that is the kernel's: calls, memory, privileges.

systemd itself does not run in a test; what it would ask of the kernel is asked here: the filter of system
calls (seccomp, from the sets that `systemd-analyze` knows), no memory that is both writable and executable,
no new privileges. `python -m tests.support.confined UNIT COMMAND...` runs the command so.
"""

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000


def said(unit: Path) -> list[tuple[str, str]]:
    """Assignments of a unit, in order; continued lines are one."""
    text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [
        (name.strip(), value.strip())
        for name, _, value in (line.partition("=") for line in lines if line[:1] not in {"#", "[", ""})
    ]


def known_sets() -> dict[str, set[str]]:
    """Sets of system calls by their names, as systemd has them: names of calls and of other sets."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    sets: dict[str, set[str]] = {}
    name = ""
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = set()
        elif name and line.startswith(" ") and not line.strip().startswith("#"):
            sets[name].add(line.strip())
    return sets


def _calls(sets: dict[str, set[str]], name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return set().union(*(_calls(sets, one) for one in sets[name]))


def allowed(unit: Path) -> set[str]:
    """System calls that the unit's filter lets through."""
    sets = known_sets()
    calls: set[str] = set()
    for name, value in said(unit):
        if name == "SystemCallFilter":
            away = value.startswith("~")
            named = set().union(*(_calls(sets, one) for one in value.removeprefix("~").split()))
            calls = calls - named if away else calls | named
    # Without these no process could be started at all; systemd adds them as well.
    return calls | _calls(sets, "@default") | {"execve"}


def confine(unit: Path) -> None:
    """Put this process under it, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    settings = dict(said(unit))
    calls = allowed(unit)
    if settings["NoNewPrivileges"] == "yes" and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no new privileges")
    if settings["MemoryDenyWriteExecute"] == "yes" and libc.prctl(
        PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "memory: needs Linux 6.3 or newer")
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(SCMP_ACT_ERRNO | errno.EPERM)))
    for name in calls:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(SCMP_ACT_ALLOW), number, 0, None)
    if seccomp.seccomp_load(context):
        raise OSError("the filter of system calls was not loaded")


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    set_by = [value for name, value in said(Path(sys.argv[1])) if name == "Environment"]
    os.execve(sys.argv[2], sys.argv[2:], os.environ | dict(one.split("=", 1) for one in set_by))
