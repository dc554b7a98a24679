"""Accounts: who may come in, as what; and tokens for programs."""

from __future__ import annotations

import re

from starlette.responses import Response

from monitor.casebook import Account
from monitor.ledger.entries import Record
from monitor.review.verdicts import DecisionError
from monitor.web import passwords, tokens
from monitor.web.permissions import ACTIONS, ROLES, SCOPES
from monitor.web.visits import Visit

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")


def accounts(visit: Visit) -> Response:
    """All accounts, and what each role may do."""
    return _page(visit)


def _page(visit: Visit, fresh: str = "") -> Response:
    """The page; with a token that was made just now, which nobody will see again."""
    known = {one.name: one for one in visit.desk.book.accounts()}
    return visit.page(
        "accounts.html",
        accounts=known.values(),
        roles=ROLES,
        actions=ACTIONS,
        scopes=SCOPES,
        most_days=tokens.MOST_DAYS,
        tokens=[
            (one, tokens.standing(one, known.get(one.account), visit.now)) for one in visit.desk.book.tokens()
        ],
        fresh=fresh,
    )


def make_token(visit: Visit) -> Response:
    """A token for a program, shown this once."""
    form = visit.form
    days = form.get("days", "")
    text, token, record = tokens.made(
        visit.desk.book.account(form.get("name", "").strip()),
        form.get("label", "").strip(),
        [scope for scope in SCOPES if form.get(f"scope-{scope}")],
        int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0,
        by=visit.who,
        now=visit.now,
    )
    visit.desk.book.keep_token(token, record, visit.now)
    return _page(visit, text)


def revoke_token(visit: Visit) -> Response:
    """The end of a token."""
    known = visit.desk.book.token(visit.request.path_params["id"])
    ended, record = tokens.revoked(known, visit.who, visit.now)
    visit.desk.book.keep_token(ended, record, visit.now)
    return visit.go("/accounts")


def keep(visit: Visit) -> Response:
    """Add an account, or change its role, its password, whether it may come in."""
    form = visit.form
    name = form.get("name", "").strip()
    known = visit.desk.book.account(name)
    active = form.get("active", "yes") == "yes"
    if known and name == visit.who and not (active and form.get("role") == known.role):
        raise DecisionError("you cannot change your own role, nor lock yourself out")
    account, record = kept(
        name, form.get("role", ""), form.get("password", ""), known, visit.who, active=active
    )
    visit.desk.book.keep_account(account, record, visit.now)
    return visit.go("/accounts")


def kept(
    name: str, role: str, password: str, known: Account | None, by: str, *, active: bool = True
) -> tuple[Account, Record]:
    """The account as it is to be, and what is written down of it.

    Args:
        name: of the account.
        role: one of `ROLES`.
        password: a new one; empty leaves what is there, and for a new account means that a proxy lets it in.
        known: the account as it is, None where there is none.
        by: who wants it.
        active: whether it may come in.

    Raises:
        DecisionError: the name, the role or the password cannot be.
    """
    if not NAME.fullmatch(name) or role not in ROLES:
        raise DecisionError("an account needs a name of letters, digits and ._@- and one of the roles")
    if password and (problem := passwords.weak(password, name)):
        raise DecisionError(problem)
    hashed = passwords.hashed(password) if password else (known.password if known else "")
    body = {"role": role, "active": active, "new_password": bool(password)}
    return Account(name, role, hashed, active), Record("account.kept", name, by, body)
