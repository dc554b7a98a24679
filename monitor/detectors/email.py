"""E-mail addresses in running text, in the form they have there: raw, masked, tokenised, of nobody.

Grammar: RFC 5321 and RFC 6531 addresses as logs write them. Of the characters RFC 5322 allows unquoted, those
that separate things in logs (`=`, `/`, `?`, `&`, `|`, `{`, `}`, `%`, the backtick) end a local part here, so
that `user=anna@…` and VERP and SRS paths give the address in them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from monitor.detectors.addresses import MASK_CHARACTERS, state_of
from monitor.detectors.email_context import is_crawler_contact, is_no_address
from monitor.detectors.item import MAX_ITEMS, Item
from monitor.detectors.masks import is_redaction, is_token
from monitor.detectors.states import MASKED, NOT_PERSONAL, PSEUDONYMISED, RAW

MAX_LOCAL: Final = 128
"""Characters looked at before an `@`: RFC 5321 allows 64, logs glue other things on."""

_SIGN = re.compile(r"@(?=[\w\[(])")
_LETTERS: Final = "\u00c0-\u1fff\u2c00-\u2fef\u3040-\ud7ff\uf900-\ufdff\ufe70-\ufefe"
"""Scripts beyond ASCII, their combining marks included, punctuation and symbols not."""
_LOCAL_BACKWARDS = re.compile(rf"[\w{_LETTERS}.+\-'!#$^~{re.escape(MASK_CHARACTERS)}]+")
_LEADING: Final = ".'-!#$^~+"
_PERCENT_TAIL = re.compile(r"[0-9A-Fa-f]{2}")
_LABEL: Final = rf"[0-9A-Za-z{_LETTERS}](?:[\w{_LETTERS}\-]{{0,61}}[0-9A-Za-z{_LETTERS}])?"
_TLD: Final = (
    rf"(?:xn--[a-z0-9\-]{{2,59}}|[A-Za-z{_LETTERS}]{{2,24}})(?![\w\-])"
    # Names of files and of caches glue something on; only after the commonest endings is that no longer name.
    r"|(?:[A-Za-z]{2}|com|net|org|info)(?=_|-(?![\w\-]))"
)
_NAME: Final = rf"(?:{_LABEL}\.){{1,8}}(?:{_TLD})|localhost(?![\w.\-])"
_LITERAL: Final = r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|(?:IPv6:)?[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f:.]{2,40})\]"
_DOMAIN = re.compile(rf"(?:\([^()@\s]{{0,60}}\))?(?P<domain>{_NAME}|{_LITERAL})", re.IGNORECASE)
_IN_FILE_NAME = re.compile(
    r"(?P<domain>[^_]*\.(?:[a-z]{2}|com|net|org|info))(?:[_-][\w-]*)?"
    r"\.(?:csv|txt|pdf|json|log|xml|docx?|xlsx?|eml|vcf|ics|jpe?g|png|zip)",
    re.IGNORECASE,
)
_SEMVER = re.compile(r"v?\d+\.\d+\.\d+", re.IGNORECASE)
_QUOTED_BACKWARDS = re.compile(r'"([^"\r\n]{1,64})"')
_COMMENT_BACKWARDS = re.compile(r"\)[^()@\r\n]{0,60}\(")
_BRACKETS: Final = {"]": "[", ">": "<", "}": "{"}


class _Local(NamedTuple):
    text: str
    start: int
    state: str | None = None


def find_email(text: str, path: str) -> list[Item]:
    """Every e-mail address in `text`, with the state of its local part and domain."""
    items: list[Item] = []
    taken = 0
    for sign in _SIGN.finditer(text):
        at = sign.start()
        if at < taken:
            continue
        item = _address(text, at, taken, path)
        if item is not None:
            items.append(item)
            taken = item.end
            if len(items) == MAX_ITEMS:
                break
    return items


def _address(text: str, at: int, floor: int, path: str) -> Item | None:
    found = _DOMAIN.match(text, at + 1)
    if found is None:
        return None
    glued = _IN_FILE_NAME.fullmatch(found.group("domain"))
    domain = glued.group("domain") if glued else found.group("domain")
    end = found.start("domain") + len(domain)
    local = _local(text, at, floor)
    if local is None or _SEMVER.match(domain):
        return None
    if is_no_address(text, (local.start, end), local.text, domain, path):
        return None
    state = local.state or state_of(local.text, domain)
    if state == RAW and is_crawler_contact(text, local.start, path):
        state = NOT_PERSONAL
    return Item(local.start, end, state, _confidence(local.text, domain))


def _confidence(local: str, domain: str) -> float:
    if domain == "localhost" or domain.startswith("["):
        return 0.6
    return 0.95 if len(local) <= 64 else 0.8


def _local(text: str, at: int, floor: int) -> _Local | None:
    """The local part that ends at `at`; None where nothing there can be one."""
    last = text[at - 1] if at > floor else " "
    if last == '"':
        return _quoted(text, at, floor)
    if last == ")":
        return _after_comment(text, at, floor)
    if last in _BRACKETS:
        return _bracketed(text, at, floor, last)
    return _atom(text, at, floor)


def _atom(text: str, at: int, floor: int) -> _Local | None:
    low = max(floor, at - MAX_LOCAL)
    run = _LOCAL_BACKWARDS.match(text[low:at][::-1])
    if run is None or text[at - 1] == ".":
        return None
    start = at - run.end()
    if start > low and text[start - 1] == "%" and _PERCENT_TAIL.match(text, start, at):
        start += 2
    while start < at and text[start] in _LEADING:
        start += 1
    return _Local(text[start:at], start) if start < at else None


def _quoted(text: str, at: int, floor: int) -> _Local | None:
    """A quoted local part, its quotes escaped or not: `"anna berg"@…`, which may hold an `@` itself."""
    quoted = _QUOTED_BACKWARDS.match(text[max(floor, at - 68) : at][::-1])
    if quoted is None:
        return None
    inner = quoted.group(1)[::-1].rstrip("\\")
    return _Local(inner, at - quoted.end(), None) if any(c.isalnum() for c in inner) else None


def _after_comment(text: str, at: int, floor: int) -> _Local | None:
    """RFC 5322 lets a comment stand before the `@`: `anna(work)@…`."""
    comment = _COMMENT_BACKWARDS.match(text[max(floor, at - 62) : at][::-1])
    return _atom(text, at - comment.end(), floor) if comment and comment.end() < at - floor else None


def _bracketed(text: str, at: int, floor: int, closing: str) -> _Local | None:
    """`[REDACTED]@…`, `<pseudonym:9f…>@…`: a redaction or a token, not the name of a placeholder."""
    start = text.rfind(_BRACKETS[closing], max(floor, at - MAX_LOCAL), at)
    if start < 0:
        return None
    inner = text[start:at]
    if is_redaction(inner):
        return _Local(inner, start, MASKED)
    return _Local(inner, start, PSEUDONYMISED) if is_token(inner) else None
