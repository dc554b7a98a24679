"""Who stands behind an e-mail address: a person, a role, a machine, a relay, nobody."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.states import MASKED, NOT_PERSONAL, PSEUDONYMISED, RAW

MAX_VISIBLE: Final = 2
"""Characters of the local part a partial mask may leave readable."""
MASK_CHARACTERS: Final = "*\u2022\u25cf\u2588\u25a0\u2217\uff0a\u2026\u00b7"

ROLES: Final = frozenset(
    """
    abuse accounting accounts admin administrator alert alerts api apply billing bingbot booking bookings bot
    bounce
    bounces careers contact crawler cron customerservice daemon datenschutz devnull devops dpo feedback ftp
    googlebot hello help helpdesk hostmaster hr info it jira jobs kontakt kundenservice legal list mail mailer
    mailer-daemon marketing media monitoring mysql news newsletter nobody noc notification notifications
    notify office ops orders partner postgres postmaster presse press privacy recruiting reply robot root
    sales security service services shop spam spider support system sysadmin team tech test usenet uucp
    webmaster www
    """.split()  # noqa: SIM905 - eighty quoted words are harder to read
)
"""Local parts that name a function, not a person (RFC 2142 and common use)."""

_NO_REPLY = re.compile(r"(?:no|do[-_.]?not|ne)[-_.]?(?:reply|antworten|responder|reponse)", re.IGNORECASE)
_ROLE_TAIL = re.compile(r"(?:[-_.](?:[a-z]{2}|[0-9]+)|[0-9]+)$")

_RESERVED: Final = (".example.com", ".example.net", ".example.org", ".example.edu")
_RESERVED_TLDS: Final = (".example", ".test", ".invalid", ".localhost")
"""RFC 2606 and RFC 6761: no one can have an address there."""

_RELAYS: Final = (
    ".privaterelay.appleid.com",
    ".mozmail.com",
    ".relay.firefox.com",
    ".duck.com",
    ".simplelogin.com",
    ".simplelogin.co",
    ".aleeas.com",
    ".slmails.com",
    ".anonaddy.com",
    ".anonaddy.me",
    ".addy.io",
    ".passmail.net",
    ".users.noreply.github.com",
    ".users.noreply.gitlab.com",
)
"""Services that give a person an alias which only they can resolve."""

_SERVICES: Final = (".gserviceaccount.com", ".cluster.local", ".compute.internal")
"""Domains under which machines, not people, have names of this shape."""

_TOKEN = re.compile(
    r"(?:p?tok(?:en)?|pseudo(?:nym)?|psn|anon|surrogate)[_\-:][A-Za-z0-9_\-]{6,}", re.IGNORECASE
)
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{128}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MASK = re.compile(rf"[{re.escape(MASK_CHARACTERS)}]+|X{{3,}}|^[xX]{{3,}}$")


def state_of(local: str, domain: str) -> str:
    """Protection state of an address by its two parts.

    A hash, UUID or token as local part is a pseudonym; whether the hash had a key cannot be seen from it.
    """
    under = f".{domain.lower()}"
    if is_masked_local(local):
        return MASKED
    if under.endswith(_RESERVED) or (under.endswith(_RESERVED_TLDS) and under != ".localhost"):
        return NOT_PERSONAL
    if is_pseudonym(local) or under.endswith(_RELAYS):
        return PSEUDONYMISED
    if under.endswith(_SERVICES) or is_role(local):
        return NOT_PERSONAL
    return RAW


def is_masked_local(local: str) -> bool:
    """Masked so far that at most `MAX_VISIBLE` characters can be read; `xxx` alone is a mask too."""
    shown, masks = _MASK.subn("", local)
    return masks > 0 and sum(c.isalnum() for c in shown) <= MAX_VISIBLE


def is_pseudonym(local: str) -> bool:
    """A hash, a UUID or a declared token stands where the name was."""
    return any(pattern.fullmatch(local) for pattern in (_HEXADECIMAL, _UUID, _TOKEN))


def is_role(local: str) -> bool:
    """A function's mailbox, or one nobody reads."""
    if _NO_REPLY.match(local):
        return True
    base = local.lower().partition("+")[0]
    return base in ROLES or _ROLE_TAIL.sub("", base) in ROLES
