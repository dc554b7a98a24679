"""Ciphertext envelopes that are bytes, met in logs as base64 or hex; and formats that only look so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from monitor.detectors.decodings import unbase64

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_\-]{60,}\r?\n)*[A-Za-z0-9+/_\-]+={0,2}")
_MIN_BASE64: Final = 22
_HEX = re.compile(r"(?:0x|\\x)?(?:[0-9A-Fa-f]{2}){16,}")

_KMS_OID: Final = bytes.fromhex("06092a864886f70d010706")
"""DER of pkcs7-encryptedData (1.2.840.113549.1.7.6), inside every AWS KMS ciphertext."""
_ENVELOPED_OID: Final = bytes.fromhex("06092a864886f70d010703")
"""DER of pkcs7-envelopedData (1.2.840.113549.1.7.3)."""
_FERNET_ERA: Final = (1_356_998_400, 4_102_444_800)
"""Seconds since the epoch: from 2013, when Fernet appeared, to 2100."""
_ENCRYPTION_SDK: Final = frozenset(
    bytes.fromhex(h)
    for h in ("01800014", "01800046", "01800078", "01800114", "01800146", "01800178", "01800214", "01800346",
              "01800378", "020478", "020578")
)  # fmt: skip
"""Version, type and algorithm suite a message of the AWS Encryption SDK begins with."""


def is_hex(text: str) -> bool:
    """32 hex digits or more, an even number, and not a plain number."""
    return _HEX.fullmatch(text) is not None and not text.isdecimal()


def unpacked(text: str) -> bytes | None:
    """Bytes of a value that as a whole is base64 (22 characters or more) or hex (32 or more), else None."""
    if is_hex(text):
        return bytes.fromhex(text.removeprefix("0x").removeprefix("\\x"))
    long_enough = len(text) >= _MIN_BASE64 and _BASE64.fullmatch(text) is not None
    return unbase64("".join(text.split())) if long_enough else None


def _fernet(data: bytes) -> bool:
    """Version 0x80, time, 16 bytes of IV, whole AES blocks, 32 bytes of HMAC (Fernet specification)."""
    if data[0] != 0x80 or len(data) < 73 or (len(data) - 57) % 16:
        return False
    return _FERNET_ERA[0] <= int.from_bytes(data[1:9], "big") < _FERNET_ERA[1]


def _aws_kms(data: bytes) -> bool:
    return data[:2] in (b"\x01\x02", b"\x01\x01") and _KMS_OID in data[:128]


def _aws_encryption_sdk(data: bytes) -> bool:
    return (data[:4] in _ENCRYPTION_SDK or data[:3] in _ENCRYPTION_SDK) and len(data) > 64


def _google_kms(data: bytes) -> bool:
    """Protocol buffer of a 36-byte key id and the sealed bytes, which end the message."""
    if data[:3] != b"\x0a\x24\x00" or len(data) < 70 or data[38] != 0x12:
        return False
    size, at = data[39] & 0x7F, 40
    if data[39] & 0x80:
        size, at = size | data[40] << 7, 41
    return at + size == len(data)


def _openssl(data: bytes) -> bool:
    return data.startswith(b"Salted__") and len(data) > 16


def _aspnet(data: bytes) -> bool:
    """ASP.NET Core data protection: magic, 16 bytes of key id, then at least IV and MAC."""
    return data.startswith(b"\x09\xf0\xc9\xf0") and len(data) >= 68


def _openpgp(data: bytes) -> bool:
    """A first packet that only an encrypted message has (RFC 9580 section 5): a session key."""
    tag = data[0]
    if tag in (0x84, 0x85, 0xC1):
        two_octets = tag == 0x85 or (tag == 0xC1 and data[1] >= 192)
        return data[3 if two_octets else 2] in (3, 6) and len(data) >= 64
    if tag in (0x8C, 0xC3):
        return data[2] in (4, 5, 6) and data[3] in (2, 3, 7, 8, 9, 10, 11, 12, 13) and data[4] in (0, 1, 3)
    return False


def is_enveloped_cms(data: bytes) -> bool:
    """CMS enveloped data (RFC 5652); signed data has another type and hides nothing."""
    return data[:1] == b"\x30" and _ENVELOPED_OID in data[:24]


def _age(data: bytes) -> bool:
    return data.startswith(b"age-encryption.org/v1\n-> ")


def _cloak(data: bytes) -> bool:
    """Elixir's Cloak: type 1, length and name of the cipher, then IV, tag and data."""
    name = data[2 : 2 + data[1]] if data[0] == 1 else b""
    return name in (b"AES.GCM.V1", b"AES.CTR.V1") and len(data) > 2 + len(name) + 28


def _halite(data: bytes) -> bool:
    """Halite: 0x31 0x42, version 3 to 5, then salt, nonce and MAC."""
    return data[:2] == b"\x31\x42" and data[2] in (3, 4, 5) and len(data) > 120


def _acra(data: bytes) -> bool:
    """AcraStruct: eight times 0x22, a public key, the wrapped key, then the data."""
    return data.startswith(b'"' * 8) and len(data) > 145


BINARY_ENVELOPES: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("fernet", _fernet),
    ("aws_kms", _aws_kms),
    ("aws_encryption_sdk", _aws_encryption_sdk),
    ("google_kms", _google_kms),
    ("openssl", _openssl),
    ("aspnet_data_protection", _aspnet),
    ("openpgp", _openpgp),
    ("cms", is_enveloped_cms),
    ("age", _age),
    ("cloak", _cloak),
    ("halite", _halite),
    ("acra", _acra),
)
"""Name, as verdicts give it, and check of the decoded bytes (16 or more)."""

_KNOWN_FORMATS: Final = (
    ("gzip", b"\x1f\x8b\x08"),
    ("zlib", b"\x78\x01"),
    ("zlib", b"\x78\x9c"),
    ("zlib", b"\x78\xda"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("bzip2", b"BZh"),
    ("xz", b"\xfd7zXZ\x00"),
    ("lz4", b"\x04\x22\x4d\x18"),
    ("zip", b"PK\x03\x04"),
    ("png", b"\x89PNG"),
    ("jpeg", b"\xff\xd8\xff"),
    ("gif", b"GIF8"),
    ("pdf", b"%PDF-"),
    ("avro", b"Obj\x01"),
    ("parquet", b"PAR1"),
    ("sqlite", b"SQLite format 3"),
    ("java", b"\xac\xed\x00\x05"),
    ("pickle", b"\x80\x04\x95"),
)
"""First bytes of formats anyone can read: looking random is not being encrypted."""


def binary_envelope(text: str) -> str | None:
    """Name of the binary ciphertext envelope `text` encodes as a whole, else None."""
    data = unpacked(text)
    if data is None or len(data) < 16:
        return None
    return next((name for name, check in BINARY_ENVELOPES if check(data)), None)


def known_format(data: bytes) -> str | None:
    """Name of the readable format `data` begins as, else None."""
    return next((name for name, magic in _KNOWN_FORMATS if data.startswith(magic)), None)
