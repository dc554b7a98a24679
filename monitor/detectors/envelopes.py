"""Ciphertext envelopes that are text with a form of their own; binary ones are in `binary`.

Each entry of `ENVELOPES` checks structure, never randomness: prefix, parts, lengths a cipher must have. What
merely looks encrypted (a signed cookie, a JWS, compressed text) passes none of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from monitor.detectors.binary import binary_envelope, is_enveloped_cms
from monitor.detectors.decodings import as_text, unbase64
from monitor.detectors.mongodb import is_extended_json, is_printed

_B64 = r"[A-Za-z0-9+/_\-]+={0,2}"
_VAULT = re.compile(rf"vault:v[0-9]+:({_B64})")
_SOPS = re.compile(
    rf"ENC\[AES256_GCM,data:{_B64},iv:{_B64},tag:{_B64},type:(?:str|int|float|bool|bytes|comment)\]"
)
_EYAML = re.compile(r"ENC\[(?:PKCS7|GPG|KMS),[A-Za-z0-9+/=\s]{24,}\]")
_KUBERNETES = re.compile(r"k8s:enc:(?:aescbc|aesgcm|secretbox|kms):v[12]:.+", re.DOTALL)
_ANSIBLE = re.compile(r"\$ANSIBLE_VAULT;1\.[12];AES256(?:;[^\s;]+)?\s+[0-9a-f\s]{64,}")
_JASYPT = re.compile(rf"ENC\(({_B64})\)")
_SPRING = re.compile(rf"\{{cipher\}}(?:\{{key:[^}}]+\}})?([0-9a-fA-F]{{64,}}|{_B64})")
_PASETO = re.compile(rf"v[1-4]\.local\.({_B64})(?:\.{_B64})?")
_IRON = re.compile(rf"Fe26\.2\*[^*]*\*[0-9a-f]{{64}}\*{_B64}\*{_B64}\*[0-9]*\*[0-9a-f]{{64}}\*{_B64}")
_DEFUSE = re.compile(r"def50200[0-9a-f]{160,}")
_ALWAYS_ENCRYPTED = re.compile(r"0x01[0-9A-Fa-f]+")
_ARMOR = re.compile(
    r"-----BEGIN (PGP MESSAGE|AGE ENCRYPTED FILE|PKCS7|CMS)-----\s(.*?)\s*-----END \1-----", re.DOTALL
)
_SIGNATURE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}")
_ENVELOPED = re.compile(r"^content-type:[^\n]*(?:\n[ \t][^\n]*)*enveloped-data", re.IGNORECASE | re.MULTILINE)
_CIPHERSWEET = re.compile(rf"(?:brng|nacl|fips):({_B64})")
_MIN_SEALED: Final = 28
"""Bytes of an AES-GCM message without content: 12 of nonce, 16 of tag."""


def _sealed(data: bytes | None) -> bool:
    return data is not None and len(data) > _MIN_SEALED


def _form(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _form_with_payload(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        match = pattern.fullmatch(text)
        return match is not None and _sealed(unbase64(match.group(1)))

    return check


def _jasypt(text: str) -> bool:
    """Salt and IV of 8 or 16 bytes and whole cipher blocks: a multiple of 8 bytes, at least two blocks."""
    match = _JASYPT.fullmatch(text)
    data = unbase64(match.group(1)) if match else None
    return data is not None and len(data) >= 16 and len(data) % 8 == 0


def _armor(text: str) -> bool:
    match = _ARMOR.fullmatch(text)
    if match is None:
        return False
    if match.group(1) in ("PKCS7", "CMS"):
        return is_enveloped_cms(unbase64("".join(match.group(2).split())) or b"")
    return len(match.group(2)) >= 64


def _age(text: str) -> bool:
    return text.startswith("age-encryption.org/v1\n-> ")


def _jwe_compact(text: str) -> bool:
    """RFC 7516 section 7.1: five parts, the first a header that names a content encryption."""
    parts = text.split(".")
    if len(parts) != 5:
        return False
    header = _json(unbase64(parts[0]))
    return "enc" in header and "alg" in header and all(unbase64(p) for p in parts[2:])


def _json_envelope(text: str) -> bool:
    """JWE JSON (RFC 7516 section 7.2), Rails ActiveRecord, Chef data bag items, CSFLE subtype 6."""
    found = _json(text.encode())
    return (
        _has_text(found, "ciphertext", "iv", "tag")
        or _has_text(found, "encrypted_data", "iv", "cipher")
        or _is_active_record(found)
        or is_extended_json(found)
    )


def _is_active_record(found: dict[str, Any]) -> bool:
    headers = found.get("h")
    return _has_text(found, "p") and isinstance(headers, dict) and _has_text(headers, "iv", "at")


def _laravel(text: str) -> bool:
    found = _json(unbase64(text))
    return _has_text(found, "iv", "value") and ("mac" in found or "tag" in found)


def _message_encryptor(text: str) -> bool:
    """Rails MessageEncryptor: data, 12 bytes of IV, 16 of tag (AES-GCM); or signed data and IV (AES-CBC)."""
    parts = text.split("--")
    if len(parts) == 2:
        return _SIGNATURE.fullmatch(parts[1]) is not None and _cbc(unbase64(parts[0]))
    if len(parts) != 3:
        return False
    data, nonce, tag = (unbase64(part) for part in parts)
    return bool(data) and nonce is not None and tag is not None and (len(nonce), len(tag)) == (12, 16)


def _cbc(message: bytes | None) -> bool:
    """`data--iv` in base64 each: whole blocks, 16 bytes of IV."""
    parts = (as_text(message or b"") or "").split("--")
    if len(parts) != 2:
        return False
    data, iv = (unbase64(part) for part in parts)
    return bool(data) and len(data or b"") % 16 == 0 and iv is not None and len(iv) == 16


def _smime(text: str) -> bool:
    """A message of type enveloped-data (RFC 8551); signed-data hides nothing."""
    head, blank, body = text.replace("\r\n", "\n").partition("\n\n")
    if not blank or _ENVELOPED.search(head) is None:
        return False
    return is_enveloped_cms(unbase64("".join(body.split())) or b"")


def _always_encrypted(text: str) -> bool:
    """SQL Server: version 1, 32 bytes of MAC, 16 of IV, whole AES blocks."""
    if _ALWAYS_ENCRYPTED.fullmatch(text) is None:
        return False
    size = (len(text) - 2) // 2
    return len(text) % 2 == 0 and size >= 65 and (size - 49) % 16 == 0


def _json(data: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(data or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _has_text(found: dict[str, Any], *keys: str) -> bool:
    return all(isinstance(found.get(key), str) and found[key] for key in keys)


ENVELOPES: Final[tuple[tuple[str, str, Callable[[str], bool]], ...]] = (
    ("vault_transit", "vault:v", _form_with_payload(_VAULT)),
    ("sops", "ENC[AES256_GCM", _form(_SOPS)),
    ("eyaml", "ENC[", _form(_EYAML)),
    ("kubernetes", "k8s:enc:", _form(_KUBERNETES)),
    ("ansible_vault", "$ANSIBLE_VAULT;", _form(_ANSIBLE)),
    ("jasypt", "ENC(", _jasypt),
    ("spring_cipher", "{cipher}", _form(_SPRING)),
    ("paseto_local", "v", _form_with_payload(_PASETO)),
    ("iron", "Fe26.2*", _form(_IRON)),
    ("defuse", "def50200", _form(_DEFUSE)),
    ("always_encrypted", "0x01", _always_encrypted),
    ("armor", "-----BEGIN ", _armor),
    ("age", "age-encryption.org/", _age),
    ("jwe", "eyJ", _jwe_compact),
    ("json_envelope", "{", _json_envelope),
    ("laravel", "eyJ", _laravel),
    ("message_encryptor", "", _message_encryptor),
    ("mongodb", "Bin", is_printed),
    ("ciphersweet", "", _form_with_payload(_CIPHERSWEET)),
    ("smime", "", _smime),
)
"""Name, as verdicts give it, what the value begins with, and check of the whole value."""


def envelope(text: str) -> str | None:
    """Name of the ciphertext envelope `text` as a whole is, else None."""
    for name, start, check in ENVELOPES:
        if text.startswith(start) and check(text):
            return name
    return binary_envelope(text)
