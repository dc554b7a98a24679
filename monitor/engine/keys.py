"""Keyed one-way names under one key: fingerprints and pseudonyms (HMAC-SHA-256), subject and group hashes.

The key lives outside the store. Without it none of these can be recomputed from a guessed value
(EDPB Guidelines 01/2025, section on one-way functions).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

KEY_BYTES = 32

FEW = 100
"""Rows of which each is asked by itself sooner than the distinct ones are found and joined back."""

_NUMBER = "__number"


class Keyring:
    """Derives what is stored from what was seen.

    Args:
        key: at least `KEY_BYTES` secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key has at least {KEY_BYTES} bytes, this one has {len(key)}")
        self._key = key

    def _digest(self, purpose: str, parts: Iterable[str | None]) -> bytes:
        message = json.dumps([purpose, *parts], ensure_ascii=False, separators=(",", ":"))
        return hmac.digest(self._key, message.encode("utf-8", "surrogatepass"), "sha256")

    def fingerprint(self, parts: Iterable[str | None]) -> str:
        """Identity of a violation: 32 hex digits."""
        return self._digest("fingerprint", parts)[:16].hex()

    def mark(self) -> str:
        """Tells this key from others, and nothing else of it: 32 hex digits."""
        return self._digest("key", ())[:16].hex()

    def pseudonym(self, text: str | None) -> str:
        """Stable name of an actor: 16 hex digits, empty where there is no actor."""
        return self._digest("actor", [text])[:8].hex() if text else ""

    def number(self, purpose: str, parts: Iterable[str | None]) -> int:
        """63-bit keyed BLAKE2b (RFC 7693), never 0: it fits a signed integer column and 0 can mean "none"."""
        message = "\x00".join([purpose, *map(_unmistakable, parts)])
        hashed = blake2b(message.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key[:64])
        return int.from_bytes(hashed.digest(), "big") >> 1 or 1

    def numbers(self, purpose: str, frame: pl.DataFrame) -> pl.Series:
        """One `number` per row (Int64) over all columns of the frame, of many rows once per distinct one."""
        if frame.height < FEW:
            each = [self.number(purpose, row) for row in frame.iter_rows()]
            return pl.Series(_NUMBER, each, dtype=pl.Int64)
        distinct = frame.unique()
        known = pl.Series(
            _NUMBER, [self.number(purpose, row) for row in distinct.iter_rows()], dtype=pl.Int64
        )
        joined = frame.join(
            distinct.with_columns(known),
            on=frame.columns,
            nulls_equal=True,
            maintain_order="left",
            how="left",
        )
        return joined[_NUMBER]


def _unmistakable(part: str | None) -> str:
    """A text without NUL, another for every part: NUL stands between parts."""
    return "\\n" if part is None else part.replace("\\", "\\\\").replace("\x00", "\\0")
