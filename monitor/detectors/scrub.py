"""Is something in a rule's inline test a real person's? A coarse net over what people paste by mistake."""

from __future__ import annotations

import ipaddress
import re

PROVIDERS = frozenset(
    {
        "163.com", "aol.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.de", "gmx.net",
        "googlemail.com", "hotmail.com", "hotmail.de", "icloud.com", "laposte.net", "libero.it", "live.com",
        "mac.com", "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com", "outlook.de", "posteo.de",
        "proton.me", "protonmail.com", "qq.com", "t-online.de", "virgilio.it", "wanadoo.fr", "web.de",
        "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.ru",
    }
)  # fmt: skip
"""Domains whose mailboxes belong to private people; a made-up test uses a made-up or reserved domain."""

_ADDRESS = re.compile(r"[A-Za-z0-9._+-]@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
_QUAD = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")


def holds_personal_data(text: str) -> str | None:
    """What in the text could be a real person's, without repeating it; None where nothing could."""
    domains = {found.lower() for found in _ADDRESS.findall(text)}
    if domains & PROVIDERS:
        return "an e-mail address at a public mail provider"
    if any(_public(quad) for quad in _QUAD.findall(text)):
        return "a public IP address"
    return None


def _public(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text).is_global
    except ValueError:
        return False
