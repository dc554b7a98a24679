"""What the name of a field says about its value."""

from __future__ import annotations

import re

_HASH = re.compile(
    r"(?:^|[._\-])(?:hash(?:ed|es)?|sha(?:1|224|256|384|512)|md5|hmac|mac|digest|fingerprint|checksum)(?:$|[._\-\d])"
    r"|(?:hash|hashed|sha256|sha512|hmac|digest)$",
    re.IGNORECASE,
)
_KEYED = re.compile(r"hmac|keyed|pseudonym|blind_?index", re.IGNORECASE)
_USER_AGENT = re.compile(r"user[._\- ]?agent|(?:^|[._\-])(?:http_)?ua$", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"message[._\- ]?id$|msg[._\-]?id$|in[._\-]reply[._\-]to$", re.IGNORECASE)


_ADVERTISING = re.compile(
    r"(?:^|[._\-])(?:idfa|idfv|gaid|aaid|adid|oaid|(?:google_?)?advertising_?id)$", re.IGNORECASE
)


def is_advertising_field(path: str) -> bool:
    """The last name of the path says that it holds an identifier by which advertising follows a device."""
    return _ADVERTISING.search(path) is not None


def is_hash_field(path: str) -> bool:
    """The field says that it holds a hash: `email_hash`, `user.sha256`, `customer.hmac`."""
    return _HASH.search(path) is not None


def is_keyed_field(path: str) -> bool:
    """The field says that its hash has a key, or that it is a pseudonym."""
    return _KEYED.search(path) is not None


def is_user_agent_field(path: str) -> bool:
    """The field holds an HTTP User-Agent."""
    return _USER_AGENT.search(path) is not None


def is_message_id_field(path: str) -> bool:
    """The field holds an RFC 5322 Message-ID, which has an `@` and names no one."""
    return _MESSAGE_ID.search(path) is not None
