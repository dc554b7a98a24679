"""Passwords that are written out: behind a word that says so, in a field of that name, in a web address."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Final

from monitor.detectors.entry import CREDENTIAL, Entry
from monitor.detectors.envelopes import envelope
from monitor.detectors.gate import WORDS, Gate
from monitor.detectors.hashes import hash_state
from monitor.detectors.item import MAX_ITEMS, Item
from monitor.detectors.masks import is_masked, is_token
from monitor.detectors.scan import Headed, scanned
from monitor.detectors.states import ENCRYPTED, MASKED, PSEUDONYMISED, RAW
from monitor.detectors.surroundings import careless, says, worded

NAMES: Final = (
    r"pass(?:word|wort|wd|phrase|code)", r"pwd", r"kennwort",
    r"mot[ _-]?de[ _-]?passe",
    r"contrase\S{1,6}a", r"wachtwoord", r"has\S{1,6}o", r"l\S{1,6}senord",
    r"(?:client|api|app|shared)[ _-]?secret",
    r"(?:api|secret|access)[ _-]?key",
)  # fmt: skip
_NO_VALUE = re.compile(
    r"(?:null|none|nil|true|false|undefined|empty|unset|required|invalid|missing|wrong|yes|no|not|is|was|ok|set|changed"
    r"|expired|optional|prompt|string|str|text|\?+|-+|\.+)[.!]?|%[sdv]|\$\w+|:\w+|@\w+|[0-9.]+m?s|[A-Z_]+_PASSWORD",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"\$\{|\{\{|<%|%\(|\$\(|\b(?:os\.environ|getenv|process\.env|config\[|settings\.|self\.)"
)
_URL: Final = (
    r"[A-Za-z][A-Za-z0-9+.\-]{1,20}:\\{0,3}/\\{0,3}/(?P<user>[^\s:/?#@\"'<>]{0,64})"
    r":(?P<word>[^\s/?#@\"'<>]{1,128})@[A-Za-z0-9\[]"
)
_FOLDERS: Final = ("/", "~", "C:\\")
"""Beginnings of a working directory, which the variable PWD holds."""
_VALUE: Final = re.compile(r"\S{3,200}")


@lru_cache(maxsize=16)
def _assigned(names: tuple[str, ...]) -> Headed:
    """One of the names, and what is said to be its value."""
    return Headed(
        "(?:^|[^A-Za-z0-9])",
        (*names, "pw"),
        r"[\"'\\]{0,4}(?:\s{0,2}(?:=>?|:)\s{0,2}|%3D)"
        r"(?:(?P<q>\\{0,3}[\"'])(?P<quoted>[^\"'\\\r\n]{1,200})(?P=q)|(?P<bare>[^\s\"'\\&,;<>(){}\[\]]{3,200}))",
    )


def find_password(text: str, path: str, names: tuple[str, ...] = NAMES) -> list[Item]:
    """The value of a field that is named for a password, and what stands behind such a word in a text."""
    body = text.strip()
    if says(path, worded(names)) and _VALUE.fullmatch(body) and not _is_nothing(body):
        start = text.index(body)
        return [Item(start, start + len(body), _state(body), 0.9)]
    items = []
    for match in _assigned(names).finditer(text):
        name = "quoted" if match["quoted"] is not None else "bare"
        if not _is_nothing(match[name]) and not match[name].startswith(_FOLDERS):
            items.append(Item(*match.span(name), _state(match[name]), 0.85))
            if len(items) == MAX_ITEMS:
                break
    return items


def _is_nothing(word: str) -> bool:
    """A placeholder, the name of a variable, a word of a sentence about passwords."""
    return _NO_VALUE.fullmatch(word) is not None or _TEMPLATE.search(word) is not None


def _state(word: str) -> str:
    if is_masked(word):
        return MASKED
    if envelope(word):
        return ENCRYPTED
    if is_token(word):
        return PSEUDONYMISED
    hashed = hash_state(word, "")
    return hashed.state if hashed else RAW


def _in_url(match: re.Match[str], _path: str) -> Item | None:
    word = match["word"]
    if _is_nothing(word) and not is_masked(word):
        return None
    return Item(*match.span("word"), _state(word), 0.95)


def password(names: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more names of secrets."""
    return Entry(
        name="password",
        kind=CREDENTIAL,
        what="passwords, and secrets and keys by name: what stands behind password=, pwd:, api_key= and the "
        "like, or is the value of such a field; masks, hashes and ciphertext are told as what they are",
        checked="three characters or more that are no placeholder, no name of a variable and no word such "
        "as required",
        beware="a word behind a colon in a sentence about passwords",
        detector=partial(find_password, names=(*NAMES, *names)),
        gate=Gate(
            exact=r"[^\x00-\x20]{1,3}",
            veiled=r"%[0-9A-Fa-f]{2}|\\u|&#",
            words=careless((*NAMES, "pw", *names)),
            scan=WORDS,
        ),
    )


PASSWORDS: Final = (
    password(),
    Entry(
        name="url_password",
        kind=CREDENTIAL,
        what="passwords in web addresses and connection strings: scheme://user:password@host",
        checked="the form of an address with a password (RFC 3986)",
        beware="none known",
        detector=scanned(_URL, _in_url),
        gate=Gate(
            exact=r":\\*/\\*/[^\s/?#@\x22'<>]{0,70}:[^\s/?#@\x22'<>]{1,400}(?:@|\\u0040)|:\\+u002[fF]",
            veiled=r"%[0-9A-Fa-f]{2}|\\u|&#",
        ),
    ),
)
