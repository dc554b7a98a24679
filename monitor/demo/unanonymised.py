"""Planted: e-mail addresses where none should be, at least one case for each rule of that family."""

from __future__ import annotations

import json
from random import Random
from urllib.parse import quote

from monitor.demo import company as made_up
from monitor.demo.access import line
from monitor.demo.application import Record, record, request
from monitor.demo.cases import ACCESS, APPLICATION, DATABASE, Case, Leak, app, says
from monitor.demo.database import audit
from monitor.demo.rhythm import Period

_ANALYST = made_up.company().analysts[0]


def _newsletter_link(rng: Random, when: int) -> str:
    return line(rng, when, f"/newsletter/stop?mail={quote(made_up.email(rng))}")


def _referrer(rng: Random, when: int) -> str:
    referrer = f"https://www.nordwind-shop.de/account?login={made_up.email(rng)}"
    return line(rng, when, "/css/site.css", referrer=referrer)


def _login_name(rng: Random, when: int) -> str:
    return line(rng, when, "/intranet/rota", client=made_up.inside(rng), user=made_up.email(rng))


def _stack_trace(rng: Random, when: int) -> Record:
    trace = "Traceback (most recent call last):\n"
    trace += f'  File "smtp.py", line 88, in send\nRefused: <{made_up.email(rng)}>: box full'
    error = {"type": "Refused", "stack_trace": trace}
    return record(rng, when, "mailer", "send_failed", "sending failed", error=error)


def _escaped(rng: Random, when: int) -> str:
    """A record as another JSON library writes it, the at sign of the address as an escape."""
    address = made_up.email(rng)
    made = record(rng, when, "survey", "invited", "invitation sent", recipients=[{"address": address}])
    return json.dumps(made, separators=(",", ":")).replace(address, address.replace("@", "\\u0040"))


def _logged_request(rng: Random, when: int) -> Record:
    url = f"/api/unsubscribe?mail={quote(made_up.email(rng))}"
    return record(rng, when, "shop-api", "unsubscribe", "request done", **request(rng, "GET", url))


def _search(rng: Random, when: int) -> Record:
    statement = f"SELECT id FROM customers WHERE email = '{made_up.email(rng)}'"  # noqa: S608 - never run
    return audit(rng, when, _ANALYST, "customers", statement)


def _weak_pseudonym(rng: Random) -> Record:
    return {"email_hash": made_up.weak_hash(rng)}


_LEAKS = (
    Leak("email_as_login_name", ACCESS, "", "the intranet logs addresses as users", 15, _login_name),
    Leak(
        "email_hashed_without_key",
        APPLICATION,
        "newsletter",
        "MD5 of addresses as a pseudonym",
        30,
        app("newsletter", "opened", "newsletter opened", user=_weak_pseudonym),
    ),
    Leak(
        "email_in_application_log",
        APPLICATION,
        "mailer",
        "recipients in the text of a message",
        45,
        says("mailer", "sent", lambda rng: f"confirmation sent to {made_up.email(rng)}"),
    ),
    Leak("email_in_application_log", APPLICATION, "shop-api", "in a logged URL", 9, _logged_request),
    Leak("email_in_application_log", APPLICATION, "survey", "escaped, in an array", 12, _escaped),
    Leak("email_in_database_audit", DATABASE, _ANALYST, "searches by address", 16, _search),
    Leak("email_in_error_report", APPLICATION, "mailer", "in a stack trace", 11, _stack_trace),
    Leak("email_in_referrer", ACCESS, "", "account pages as referrers", 20, _referrer),
    Leak("email_in_url", ACCESS, "", "links of a newsletter, percent-encoded", 60, _newsletter_link),
)


def unanonymised(seed: int, period: Period) -> list[Case]:
    """Every case of this family, its events spread over the period."""
    return [leak.spread("unanonymised", seed, period) for leak in _LEAKS]
