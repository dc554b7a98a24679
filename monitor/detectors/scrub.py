"""What in a rule file could be a real person's: people paste by mistake, and mistake their files."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import polars as pl

from monitor.detectors.catalogue import find
from monitor.detectors.states import ENCODED, RAW

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
_SUSPECT = re.compile(r"@|[0-9]{4}|[0-9]\.[0-9]|[A-Za-z0-9+/_\-]{16}|%|&#|\\|\bat\b", re.IGNORECASE)
"""Cheaper than the detectors: a text without any of these holds nothing they find."""
_QUAD = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")


def holds_personal_data(text: str) -> str | None:
    """What in the text could be a real person's, without repeating it; None where nothing could."""
    domains = {found.lower() for found in _ADDRESS.findall(text)}
    if domains & PROVIDERS:
        return "an e-mail address at a public mail provider"
    if any(_public(quad) for quad in _QUAD.findall(text)):
        return "a public IP address"
    return None


@lru_cache(maxsize=256)
def veiled(text: str) -> str:
    """The text with every raw or encoded item of a detector and every public address starred out.

    Its length stays, so that a caret below a line of it still stands where it should.
    """
    if not _SUSPECT.search(text):
        return text
    found = find(pl.Series([text]), ("any",)).filter(pl.col("state").is_in([RAW, ENCODED]))
    spans = [*found.select("start", "end").iter_rows()]
    spans += [quad.span() for quad in _QUAD.finditer(text) if _public(quad[0])]
    for start, end in spans:
        text = text[:start] + "*" * (end - start) + text[end:]
    return text


def _public(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text).is_global
    except ValueError:
        return False
