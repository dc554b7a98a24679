"""Signatures of the ledger and of exports: Ed25519 (RFC 8032), keys and signatures as hex digits."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Signer:
    """Signs with one private key.

    Attributes:
        public: the public key, 64 hex digits.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, text: bytes) -> str:
        """The signature, 128 hex digits; the same text gives the same one."""
        return self._key.sign(text).hex()


def signed(public: str, text: bytes, signature: str) -> bool:
    """Whether the owner of the public key signed this text. Anything that is no key or signature: False."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def named(public: str) -> str:
    """A short name of a public key that people can compare: hex digits of its SHA-256, in four groups."""
    digest = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]
    return " ".join(digest[i : i + 4] for i in range(0, 16, 4))
