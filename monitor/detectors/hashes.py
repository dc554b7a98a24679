"""Hashes of values: password hashes and keyed ones protect, bare md5 and sha1 do not."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.item import Verdict
from monitor.detectors.paths import is_hash_field, is_keyed_field
from monitor.detectors.states import HASHED, HASHED_WEAK

_B64: Final = r"[A-Za-z0-9+/.=]"
_PASSWORD: Final = (
    ("bcrypt", r"\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
    (
        "argon2",
        r"\$argon2(?:id|i|d)\$(?:v=[0-9]+\$)?m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}",
    ),
    ("scrypt", r"\$scrypt\$ln=[0-9]+,r=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{8,}=*\$[A-Za-z0-9+/]{16,}=*"),
    ("scrypt", r"\$7\$[./A-Za-z0-9]{11,}\$[./A-Za-z0-9]{43}"),
    ("yescrypt", r"\$(?:y|gy)\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"),
    ("sha512crypt", r"\$6\$(?:rounds=[0-9]+\$)?[^$\s]{1,16}\$[./A-Za-z0-9]{86}"),
    ("sha256crypt", r"\$5\$(?:rounds=[0-9]+\$)?[^$\s]{1,16}\$[./A-Za-z0-9]{43}"),
    ("pbkdf2", r"pbkdf2_sha(?:1|256|512)\$[0-9]+\$[^$\s]+\$[A-Za-z0-9+/]{27,}=*"),
    ("pbkdf2", r"\$pbkdf2(?:-sha(?:256|512))?\$[0-9]+\$[A-Za-z0-9+/.]+\$[A-Za-z0-9+/.]{27,}"),
    ("pbkdf2", r"pbkdf2:sha(?:256|512):[0-9]+\$[^$\s]+\$[0-9a-f]{64,128}"),
    ("django-bcrypt", r"bcrypt(?:_sha256)?\$\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
    (
        "django-argon2",
        r"argon2\$argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{8,}\$[A-Za-z0-9+/]{16,}",
    ),
    ("django-scrypt", r"scrypt\$[0-9]+\$[^$\s]+\$[0-9]+\$[0-9]+\$[A-Za-z0-9+/]{43,}=*"),
    ("werkzeug-scrypt", r"scrypt:[0-9]+:[0-9]+:[0-9]+\$[^$\s]+\$[0-9a-f]{128}"),
    ("phpass", r"\$(?:P|H)\$[./A-Za-z0-9]{31}"),
    ("drupal", r"\$S\$[./A-Za-z0-9]{52}"),
    (
        "aspnet-identity",
        r"AQAAAA(?:EAACcQAAAAE|IAAYagAAAAE|EAAYagAAAAE|IAACcQAAAAE)[A-Za-z0-9+/]{64,67}={0,2}",
    ),
    ("ldap-crypt", r"\{CRYPT\}\$(?:2[abxy]|5|6|y)\$[./A-Za-z0-9$=,]{20,}"),
    ("scram", rf"SCRAM-SHA-(?:256|512)\$[0-9]+:{_B64}{{8,}}\${_B64}{{28,}}:{_B64}{{28,}}"),
    ("salted-sha", rf"\{{(?:SSHA|SSHA256|SSHA384|SSHA512)\}}{_B64}{{28,}}"),
    ("keyed", r"(?:hmac|keyed|hmac[_\-]sha(?:256|384|512))[:=$][A-Za-z0-9+/=_\-]{32,}"),
)
"""Name and form. Sources: Modular Crypt Format (passlib documents it), RFC 5803, Django, LDAP."""

_WEAK: Final = (
    ("md5crypt", r"\$(?:1|apr1)\$[^$\s]{1,8}\$[./A-Za-z0-9]{22}"),
    ("unsalted", rf"\{{(?:MD5|SHA|SMD5)\}}{_B64}{{24,}}"),
    ("mysql", r"\*[0-9A-F]{40}"),
    ("postgresql-md5", r"md5[0-9a-f]{32}"),
    ("labelled", r"(?:md5|sha-?(?:1|224|256|384|512))[:=$][0-9A-Fa-f]{32,128}"),
    ("md5", r"[0-9a-f]{32}|[0-9A-F]{32}"),
    ("sha1", r"[0-9a-f]{40}|[0-9A-F]{40}"),
)
"""Fast and without a key: whoever can guess the value can check the guess. A value labelled `sha256:` says
itself that no key went into it."""

_STRONG = re.compile("|".join(f"({pattern})" for _, pattern in _PASSWORD))
_FEEBLE = re.compile("|".join(f"({pattern})" for _, pattern in _WEAK))
_LONG = re.compile(r"(?:[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.IGNORECASE)


def hash_state(text: str, path: str) -> Verdict | None:
    """`hashed` or `hashed_weak` where `text` as a whole is a hash, else None.

    64 hex digits are a hash only where the field says so; elsewhere they may as well be ciphertext.
    """
    strong = _STRONG.fullmatch(text)
    if strong is not None:
        return Verdict(HASHED, _PASSWORD[(strong.lastindex or 1) - 1][0], confidence=0.95)
    feeble = _FEEBLE.fullmatch(text)
    if feeble is not None:
        return Verdict(HASHED_WEAK, _WEAK[(feeble.lastindex or 1) - 1][0], confidence=0.8)
    if _LONG.fullmatch(text) and is_hash_field(path):
        return Verdict(HASHED, "sha2", confidence=0.8 if is_keyed_field(path) else 0.6)
    return None
