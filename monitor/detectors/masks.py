"""What stands where personal data was: masks, redaction marks, tokens of a tokeniser."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.addresses import MASK_CHARACTERS

_WORDS: Final = (
    r"redacted|masked|filtered|hidden|removed|scrubbed|censored|suppressed|protected|obfuscated|confidential"
    r"|anonymi[sz]ed|deleted|erased|sensitive|secret|private|pii|personal[ _\-]data"
    r"|email|e-mail|name|phone|iban"
)
_BRACKETED_WORD = re.compile(
    rf"[\[<({{]{{1,2}}\s*(?:\w+[ _\-:])?(?:{_WORDS})(?:[ _\-:]\w{{1,20}})?\s*[\])>}}]{{1,2}}", re.IGNORECASE
)
_BARE_WORD = re.compile(
    r"redacted|masked|filtered|hidden|removed|scrubbed|censored|suppressed|obfuscated|anonymi[sz]ed",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:<[A-Z][A-Z0-9_]{2,40}>|\[[A-Z][A-Z0-9_]{2,40}\]|\{\{[A-Z][A-Z0-9_\-]{2,40}\}\})")
"""Entity labels that redaction tools leave: `<EMAIL_ADDRESS>`, `[PERSON_1]`, `{{PHONE}}`."""

_MASK_RUN = re.compile(rf"[{re.escape(MASK_CHARACTERS)}]+|[xX#]{{2,}}")
_MIN_MASKED: Final = 3
_LAST_DIGITS: Final = 4
_CARD_VISIBLE: Final = 10
"""Digits a card number may show and still be truncated: first six, last four (PCI DSS 3.4.1)."""

_TOKEN = re.compile(
    r"(?:p?tok(?:en)?|pseudo(?:nym)?|psn|anon|surr(?:ogate)?|cus|pm|src|vault-token)[_\-:][A-Za-z0-9_\-]{6,128}"
    r"|<(?:pseudonym|token|surrogate|pseudo):[^<>\s]{4,200}>"
    r"|\[(?:pseudonym|token|surrogate|pseudo):[^\[\]\s]{4,200}\]"
    r"|[A-Z][A-Z0-9_]{1,40}\([0-9]{1,4}\):[A-Za-z0-9+/=_\-]{4,400}",
)
"""Declared tokens. The last is the surrogate annotation `TYPE(length):value` of Google Cloud Sensitive Data
Protection."""
_UUID = re.compile(
    r"\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?|urn:uuid:[0-9a-f\-]{36}",
    re.IGNORECASE,
)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_HAS_DIGIT = re.compile(r"[0-9]")


def is_redaction(text: str) -> bool:
    """A mark that says something was taken out: `[REDACTED]`, `<EMAIL_ADDRESS>`, `filtered`."""
    return any(p.fullmatch(text) for p in (_BRACKETED_WORD, _BARE_WORD, _LABEL))


def is_masked(text: str) -> bool:
    """So much is crossed out that what is left names no one.

    A third may stay readable; of a string of digits the last four, or first six and last four of a card.
    """
    if is_redaction(text) or not text.strip(MASK_CHARACTERS):
        return True
    hidden = sum(len(run) for run in _MASK_RUN.findall(text))
    if hidden < _MIN_MASKED:
        return False
    shown = [c for c in _MASK_RUN.sub("", text) if c.isalnum()]
    if all(c.isdecimal() for c in shown):
        return len(shown) <= _LAST_DIGITS or (hidden >= 6 and len(shown) <= _CARD_VISIBLE)
    return 2 * len(shown) <= hidden or len(shown) <= 2


_PLACEHOLDER = re.compile(
    r"\$\{[^{}]{1,120}\}|\$[A-Z][A-Z0-9]*_[A-Z0-9_]+|\$\([A-Za-z_][^()]{0,60}\)|%\([A-Za-z_]\w{0,60}\)s"
    r"|%[A-Z][A-Z0-9_]{1,60}%|\{\{[^{}]{1,120}\}\}|<%[^<>]{1,120}%>|os\.environ\[[^\[\]]{1,60}\]"
    r"|(?:env|file|secret):(?://)?[A-Za-z_][\w./\-]{0,120}"
)
"""What stands for a value that is put there elsewhere: of shells, templates, Python, Windows, settings."""
_STATEMENT = frozenset(("present", "configured", "provided", "set", "not set", "missing", "not configured"))


def is_placeholder(text: str) -> bool:
    """What stands for a value, or says that there is one: `${SECRET}`, `{{ db.password }}`, `present`."""
    return text.lower() in _STATEMENT or (not is_redaction(text) and _PLACEHOLDER.fullmatch(text) is not None)


def is_uuid(text: str) -> bool:
    """A UUID (RFC 9562) as a whole; one of zeros alone says that there is none."""
    return _UUID.fullmatch(text) is not None and text.strip("{}urn:id-0") != ""


def is_token(text: str) -> bool:
    """A surrogate only its keeper can resolve: `tok_…`, `<pseudonym:…>`, a UUID, a ULID."""
    if _UUID.fullmatch(text) or _ULID.fullmatch(text):
        return True
    return _TOKEN.fullmatch(text) is not None and _HAS_DIGIT.search(text) is not None
