"""Addresses of machines: IPv4, IPv6 and MAC, told apart by whose they can be."""

from __future__ import annotations

import ipaddress
import re
from functools import cache, partial
from typing import Final

from monitor.detectors.columns import Columns
from monitor.detectors.entry import ONLINE, Entry
from monitor.detectors.gate import DECODED, ESCAPE, HEX, NUMBERS, Gate, bounded
from monitor.detectors.ipv4 import (
    ALONE_SURE,
    BESIDE,
    GOES_ON,
    NOBODYS_SURE,
    PREFIX,
    PRODUCT,
    QUAD,
    SMALL,
    SURE,
    TRUNCATED,
    WORDS,
    find_quads,
    quad,
)
from monitor.detectors.item import MAX_ITEMS, Item
from monitor.detectors.scan import scanned
from monitor.detectors.states import MASKED, NOT_PERSONAL, RAW
from monitor.detectors.surroundings import ALONE, WINDOW, evidence, says, worded

_HEXTETS: Final = rf"(?:{HEX}{{0,4}}:){{2,7}}(?:{QUAD}|{HEX}{{1,4}}|:)?"
_COLONS: Final = rf"::{HEX}|{HEX}::|(?:{HEX}{{1,4}}:){{6}}"
_MIDST: Final = rf":(?:{HEX}{{1,4}}:){{5}}"
"""What stands in the midst of six parts; begun with a colon, for hexadecimal digits are everywhere."""
_COLON: Final = r"(?:%3a|%u003a|\\x3a|\\u003a|&colon;|&#(?:0{0,4}58|x0{0,4}3a);)"
_PART: Final = "[0-9]{1,3}"


def _but(*parts: int) -> str:
    return f"(?:{'|'.join(str(part) for part in range(256) if part not in parts)})"


_PUBLIC: Final = "|".join(
    (
        rf"{_but(0, 10, 127, 169, 172, 192, 198, 203)}(?:\.{_PART}){{3}}",
        rf"172\.{_but(*range(16, 32))}(?:\.{_PART}){{2}}|192\.{_but(0, 168)}(?:\.{_PART}){{2}}",
        rf"192\.0\.{_but(2)}\.{_PART}|169\.{_but(254)}(?:\.{_PART}){{2}}",
        rf"198\.{_but(18, 19, 51)}(?:\.{_PART}){{2}}|198\.51\.{_but(100)}\.{_PART}",
        rf"203\.{_but(0)}(?:\.{_PART}){{2}}|203\.0\.{_but(113)}\.{_PART}",
    )
)
"""IPv4 addresses beyond the large private, local and documentation ranges, which most logs are full of."""
_PAIRS: Final = (
    rf"(?:{HEX}{{2}}:){{5}}{HEX}{{2}}|(?:{HEX}{{2}}-){{5}}{HEX}{{2}}|{HEX}{{4}}\.{HEX}{{4}}\.{HEX}{{4}}"
)

_HARDWARE: Final = (r"mac\w*", r"hw[ _-]?addr\w*", r"ether", r"bssid", r"station")

_BESIDE = re.compile(BESIDE)
_GOES_ON = re.compile(GOES_ON)
_PREFIX = re.compile(rf"{PREFIX}(?![0-9])")
_PRODUCT = re.compile(rf"{PRODUCT}\Z")
_LEAST_COLONS: Final = 6
_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_OURS: Final = ipaddress.IPv6Network("fc00::/7")


def find_ip(text: str, path: str, words: tuple[str, ...] = WORDS) -> list[Item]:
    """The addresses in a text; those of version 6 are looked for only where something has their colons."""
    colons = "::" in text or (text.count(":") >= _LEAST_COLONS and _six().search(text) is not None)
    items = []
    for match in (_both() if colons else _four()).finditer(text):
        item = _v6(match, path) if match.lastgroup == "v6" else _v4(match, path, words)
        if item is not None:
            items.append(item)
            if len(items) == MAX_ITEMS:
                break
    return items


@cache
def _four() -> re.Pattern[str]:
    return re.compile(QUAD)


@cache
def _six() -> re.Pattern[str]:
    return re.compile(_MIDST)


@cache
def _both() -> re.Pattern[str]:
    return re.compile(rf"(?P<v6>{_HEXTETS})|{QUAD}")


def _v4(match: re.Match[str], path: str, words: tuple[str, ...]) -> Item | None:
    text, (start, end) = match.string, match.span()
    if _continues(text, start, end) or _is_network(text, end):
        return None
    told = quad(match.group())
    product = _PRODUCT.search(text[max(0, start - WINDOW) : start]) and text[end : end + 1] != ":"
    if told is None or product:
        return None
    if not told.public:
        return Item(start, end, NOT_PERSONAL, NOBODYS_SURE)
    seen = evidence(text, (start, end), path, worded(words))
    if seen == ALONE and told.largest <= SMALL:
        return None
    truncated = told.last == 0 and says(path, worded(TRUNCATED))
    return Item(start, end, MASKED if truncated else RAW, ALONE_SURE if seen == ALONE else SURE)


def _v6(match: re.Match[str], path: str) -> Item | None:
    text, (start, end) = match.string, match.span()
    found = match.group()
    if (
        ":::" in found
        or ("::" not in found and found.count(":") < _LEAST_COLONS)
        or _continues(text, start, end)
        or _is_network(text, end)
    ):
        return None
    try:
        address = ipaddress.IPv6Address(match.group())
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        return Item(start, end, RAW if address.ipv4_mapped.is_global else NOT_PERSONAL, 0.9)
    if address in _GLOBAL and address.is_global:
        truncated = not any(address.packed[6:]) and says(path, worded(TRUNCATED))
        return Item(start, end, MASKED if truncated else RAW, 0.95)
    private = address in _GLOBAL or address in _OURS or address.is_link_local or address.is_loopback
    return Item(start, end, NOT_PERSONAL, 0.9) if private else None


def _continues(text: str, start: int, end: int) -> bool:
    """A number with more parts, a piece of a name or of a longer run of hex pairs."""
    return _BESIDE.match(text, max(0, start - 1), start) is not None or _GOES_ON.match(text, end) is not None


def _is_network(text: str, end: int) -> bool:
    """A length of a prefix follows: `203.0.113.0/24` is nobody's."""
    return _PREFIX.match(text, end) is not None


def _mac(match: re.Match[str], path: str, words: tuple[str, ...] = _HARDWARE) -> Item | None:
    text, (start, end) = match.string, match.span()
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if re.match(r"[0-9A-Za-z_:.-]", before) or re.match(rf"[0-9A-Za-z_]|[:.-]{HEX}", after):
        return None
    octets = bytes.fromhex(re.sub(r"[:.-]", "", match.group()))
    seen = evidence(text, (start, end), path, worded(words))
    dotted = match.group()[4] == "."
    if dotted and seen == ALONE:
        return None
    if _is_nobodys(octets):
        return Item(start, end, NOT_PERSONAL, 0.9)
    return Item(start, end, RAW, 0.8 if seen == ALONE else 0.95)


def _is_nobodys(octets: bytes) -> bool:
    """Group, empty, documentation (RFC 7042), router redundancy (RFC 9568) and container addresses."""
    return bool(octets[0] & 1) or not any(octets) or octets[:4] == b"\0\0\x5e\0" or octets[:2] == b"\x02\x42"


def ip(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words beside which small numbers are no version."""
    names = (*WORDS, *words)
    return Entry(
        name="ip",
        kind=ONLINE,
        what="IPv4 and IPv6 addresses; private, local and documentation ones are not personal, and "
        "truncated ones in a field that says so are masked",
        checked="range of each part, IANA's registries of special-purpose addresses",
        beware="a company's own public servers; version numbers of four parts with one above 20",
        detector=partial(find_ip, words=names),
        columns=Columns(partial(find_quads, words=names), leaves=f"::|{_MIDST}"),
        gate=Gate(
            exact=f"{bounded(QUAD)}|{_COLONS}",
            veiled=f"{ESCAPE}[0-9.:]|[0-9.:]{ESCAPE}|{ESCAPE}{{7}}|(?i:{_COLON}{HEX}|{HEX}{_COLON})",
            somebodys=f"{bounded(_PUBLIC)}|{_COLONS}",
        ),
    )


def mac(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words beside which dots may stand in one."""
    return Entry(
        name="mac",
        kind=ONLINE,
        what="hardware addresses with colons or dashes, beside a word also with dots; group, empty, "
        "documentation and container addresses are not personal",
        checked="six octets and nothing around that goes on with them",
        beware="machines that belong to no one in particular; phones make up a new address for each network",
        detector=scanned(_PAIRS, partial(_mac, words=(*_HARDWARE, *words))),
        gate=Gate(exact=bounded(_PAIRS), veiled=DECODED, scan=NUMBERS),
    )


NETWORK: Final = (ip(), mac())
