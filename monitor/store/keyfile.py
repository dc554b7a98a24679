"""The key of fingerprints and pseudonyms: a file outside the database that only its owner may read.

Where secrets are mounted (Kubernetes) the file is root's and readable by a group of ours; that is taken too,
as PostgreSQL takes the key of its certificate.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from monitor.errors import StoreError

KEY_BYTES = 32
"""Secret bytes in a key file, written as hex digits."""


def load_key(path: Path, *, begun: bool = False, option: str = "--key") -> bytes:
    """Read the key, making it on first use.

    Args:
        path: of the file.
        begun: whether something was stored already; another key would give the same people other pseudonyms,
            and count them and what was found anew.
        option: that names another file.

    Raises:
        StoreError: the file cannot be read or made, is open to others, or holds no key; or it is gone.
    """
    try:
        if not path.exists():
            if begun:
                raise StoreError(
                    f"{path}: there is no key, and what is stored was written with one; restore it from your "
                    f"backup, name it with {option}, or begin another store"
                )
            _make(path)
        found = path.stat()
        text, exposed = path.read_text(encoding="ascii").strip(), open_to_others(found.st_mode, found.st_uid)
    except OSError as error:
        said = error.strerror or error
        raise StoreError(
            f"{path}: the key file cannot be used ({said}); name another with {option}"
        ) from error
    except UnicodeDecodeError:
        text, exposed = "", False
    if exposed:
        raise StoreError(f"{path}: others may read the key file; run: chmod 600 {path}")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreError(
            f"{path}: not a key; a key is {2 * KEY_BYTES} hex digits. Restore it from your backup"
        )
    return key


def open_to_others(mode: int, owner: int, user: int | None = None) -> bool:
    """Whether more may read or write a file than its owner, or than a group that root gave it to.

    Args:
        mode: of the file, as `stat` has it.
        owner: its user id.
        user: who asks; this process where it is not said.
    """
    user = os.geteuid() if user is None else user
    handed_over = owner == 0 and user != 0
    return bool(mode & (0o037 if handed_over else 0o077))


def _make(path: Path) -> None:
    """Write a new key under another name first, so that two processes never see half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
