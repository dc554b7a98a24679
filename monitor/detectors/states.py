"""Protection states of one value, and which of them leave a person's data readable."""

from __future__ import annotations

from typing import Final

ABSENT: Final = "absent"
NOT_PERSONAL: Final = "not_personal"
RAW: Final = "raw"
ENCODED: Final = "encoded"
MASKED: Final = "masked"
HASHED_WEAK: Final = "hashed_weak"
HASHED: Final = "hashed"
PSEUDONYMISED: Final = "pseudonymised"
ENCRYPTED: Final = "encrypted"
OPAQUE: Final = "opaque"
UNKNOWN: Final = "unknown"

STATES: Final = (
    ABSENT,
    NOT_PERSONAL,
    RAW,
    ENCODED,
    MASKED,
    HASHED_WEAK,
    HASHED,
    PSEUDONYMISED,
    ENCRYPTED,
    OPAQUE,
    UNKNOWN,
)
"""Every state a value can be in; exactly one holds."""

PLAINTEXT_STATES: Final = (RAW, ENCODED, HASHED_WEAK, UNKNOWN)
"""What `|plaintext: true` is true for. An unkeyed md5 or sha1 is undone by guessing: readable."""

PROTECTED_STATES: Final = (MASKED, HASHED, PSEUDONYMISED, ENCRYPTED, OPAQUE)
"""Present, personal or not, and not readable without a key or a table."""
