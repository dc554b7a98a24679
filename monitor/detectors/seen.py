"""Values seen in clear, remembered as hashes that nobody can undo: what proves an unkeyed hash weak.

Of each value the digests that programs make of it without a key are put into a Bloom filter, under a key that
is made up for the process and never leaves it. A hash that stands in the filter is one of a value that the
same logs show: whoever has both has the person.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Final

from monitor.detectors.allowance import plainly

ALGORITHMS: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
"""Of every value, as it stands, in lower case, and without separators in either case."""

BITS: Final = 1 << 27
"""Bits of a generation: 16 MB."""
BITS_EACH: Final = 48
PLACES: Final = 24
"""Bits a digest may take, and how many it sets: one lookup in five thousand million is wrongly answered."""

_HASH = re.compile(
    r"(?:(?:md5|sha-?(?:1|224|256|384|512))[:=$])?"
    r"([0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})"
)


class Bloom:
    """A Bloom filter (1970) of two generations: where one is full the older is forgotten."""

    def __init__(self, bits: int = BITS) -> None:
        self._bits = bits
        self._young, self._old = bytearray(), bytearray()
        self._held = self._held_before = 0
        self.forgotten = 0

    def add(self, token: bytes) -> None:
        """Remember a token of 16 bytes that look random."""
        if self._held * BITS_EACH >= self._bits:
            self.forgotten += self._held_before
            self._old, self._held_before = self._young, self._held
            self._young, self._held = bytearray(), 0
        if not self._young:
            self._young = bytearray(self._bits // 8)
        fresh = False
        for place in self._places(token):
            mask = 1 << (place & 7)
            fresh |= not self._young[place >> 3] & mask
            self._young[place >> 3] |= mask
        self._held += fresh

    def __contains__(self, token: bytes) -> bool:
        """Whether it was remembered, and not yet forgotten."""
        return any(
            # What was never remembered is told by the first bit or two.
            all(generation[place >> 3] & 1 << (place & 7) for place in self._places(token))
            for generation in (self._young, self._old)
            if generation
        )

    def _places(self, token: bytes) -> Iterator[int]:
        # Two hashes make all the others (Kirsch and Mitzenmacher, 2006).
        one, other = int.from_bytes(token[:8]), int.from_bytes(token[8:16]) | 1
        return ((one + i * other) % self._bits for i in range(PLACES))


class Seen:
    """Values in clear by detector class, and hashes that may be theirs."""

    def __init__(self, bits: int = BITS) -> None:
        self._key = secrets.token_bytes(32)
        self._filter = Bloom(bits)
        self.classes: set[str] = set()

    @property
    def forgotten(self) -> int:
        """Digests of values that are no longer remembered."""
        return self._filter.forgotten

    def shown(self, name: str, value: str) -> None:
        """A value stood in clear."""
        self.classes.add(name)
        for text in {value, value.lower(), plainly(value), plainly(value).upper()}:
            data = text.encode(errors="surrogatepass")
            for algorithm in ALGORITHMS:
                digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
                self._filter.add(self._token(name, self.hashed(digest)))

    def hashed(self, digest: bytes) -> bytes:
        """What may be kept of a digest: 16 bytes that say nothing without the key."""
        return hashlib.blake2b(digest, key=self._key, digest_size=16).digest()

    def owners(self, kept: bytes) -> list[str]:
        """Classes of which a value with that digest stood in clear."""
        return [name for name in sorted(self.classes) if self._token(name, kept) in self._filter]

    def _token(self, name: str, kept: bytes) -> bytes:
        return hashlib.blake2b(kept + name.encode(), key=self._key, digest_size=16).digest()


def digest_of(text: str) -> bytes | None:
    """The digest that a text is as a whole, in hexadecimal; None where it looks like none."""
    found = _HASH.fullmatch(text)
    return bytes.fromhex(found[1]) if found else None
