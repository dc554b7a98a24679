"""Signatures of exported files: a file beside the export that binds its bytes to a place in the ledger.

The export itself holds nothing of the moment it was made, so that the same content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from monitor.ledger.entries import Head
from monitor.ledger.signing import Signer, signed

SUFFIX = ".sig"
"""Of the file beside an export."""

_KIND = "privwatch export 1"


@dataclass(frozen=True, slots=True)
class Seal:
    """What was signed: `name` of the file, `digest` of its bytes (SHA-256), and the ledger it rests on."""

    name: str
    digest: str
    head: Head

    @property
    def text(self) -> bytes:
        """The text that is signed, a line each."""
        said = (_KIND, self.head.origin, self.head.size, self.head.hash, self.name, self.digest)
        return "".join(f"{line}\n" for line in said).encode()


def sealed(name: str, content: bytes, head: Head, signer: Signer) -> bytes:
    """The signature file of an export, JSON; the same export over the same ledger gives the same bytes.

    Args:
        name: of the file, without a folder.
        content: its bytes.
        head: the newest entry of the ledger that the export rests on.
        signer: the ledger's key.
    """
    seal = Seal(name, hashlib.sha256(content).hexdigest(), head)
    said = {
        "kind": _KIND,
        "name": name,
        "sha256": seal.digest,
        "ledger": {"origin": head.origin, "entry": head.size, "hash": head.hash},
        "public_key": signer.public,
        "signature": signer.sign(seal.text),
    }
    return (json.dumps(said, indent=2) + "\n").encode()


def unsealed(signature: bytes) -> tuple[Seal, str] | None:
    """What a signature file says, and its signature; None where it is none."""
    try:
        said = json.loads(signature)
        ledger = said["ledger"]
        head = Head(str(ledger["origin"]), int(ledger["entry"]), str(ledger["hash"]))
        seal = Seal(str(said["name"]), str(said["sha256"]), head)
        return (seal, str(said["signature"])) if said["kind"] == _KIND else None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def problem(name: str, content: bytes, signature: bytes, public: str) -> str:
    """What is wrong with an export, in words; empty where it is as it was signed with this public key."""
    found = unsealed(signature)
    if found is None:
        return "its signature file is none of privwatch's"
    seal, said = found
    if not signed(public, seal.text, said):
        return "it was not signed with this key, or its signature file was changed"
    if seal.name != name:
        return f"its signature is that of another file, {seal.name}"
    if seal.digest != hashlib.sha256(content).hexdigest():
        return "changed: its bytes are not those that were signed"
    return ""
