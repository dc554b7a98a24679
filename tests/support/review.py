"""A store with cases to review, a desk over it, and the site as a program sees it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from starlette.testclient import TestClient

from monitor.clock import ManualClock
from monitor.ledger.signing import Signer
from monitor.model import Evidence, Part, Turn, Violation
from monitor.review.catalogue import Card, Catalogue
from monitor.review.desk import Desk
from monitor.store import open_store
from monitor.store.casebook import SqlCasebook
from monitor.web import passwords, sessions
from monitor.web.administration import kept
from monitor.web.permissions import ROLES
from monitor.web.site import Options, Site, application
from tests.support.turns import event

NOW = 1_795_510_800_000_000
"""2026-11-24T09:00:00Z in microseconds."""
DAY = 86_400_000_000
SIGNER = Signer(bytes(range(32)))
PASSWORD = "correct-horse-battery"
RULES = Catalogue(
    {
        "mail": Card(
            "mail",
            "mail",
            "E-mail in a URL",
            "An address.",
            "5(1)(c), 32",
            ("contact",),
            "high",
            ("x",),
            "url.path",
            ("webserver", "", ""),
        ),
        "card": Card("card", "card", "Card number in clear", "A card.", "32", ("financial",), "critical"),
    },
    "d" * 64,
)
CASE = "aa" * 16


def found(key: str, rule: str = "mail", day: int = 20, **changes) -> Violation:
    """A violation of a day of November 2026."""
    period = f"2026-11-{day:02}"
    at = NOW - (24 - day) * DAY
    words = {
        "group": key, "rule": rule, "level": RULES.card(rule).level or "low", "period": period, "first": at,
        "last": at, "path": "url.original", "resource": "/stop", "actor": "5a930c03cffe9bfb",
        "evidence": Evidence("url.original", "email", "raw", "", "a***@nordwind-shop.de"),
    }  # fmt: skip
    return event(f"{key}{period}{rule}", **(words | changes))


def turn(*violations: Violation) -> Turn:
    """What stores them."""
    return Turn(parts=tuple(Part("logs-0", one) for one in violations))


@dataclass
class Office:
    """A store, its desk, and its site."""

    desk: Desk
    clock: ManualClock
    site: Site
    book: SqlCasebook

    def client(self, name: str = "", **options) -> TestClient:
        """A visitor; signed in where a name is given."""
        made = TestClient(
            application(self.site), base_url="http://127.0.0.1", follow_redirects=False, **options
        )
        if name:
            answer = made.post("/sign-in", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return made

    def version(self, key: str = CASE) -> str:
        """Of a case, as its forms carry it."""
        return str(self.book.case(key).version)


def form_token(client: TestClient) -> str:
    """What this visitor's forms carry."""
    return sessions.form_token(client.cookies.get(sessions.COOKIE, ""))


@cache
def _hashed() -> str:
    """Of the password, once: hashing is slow on purpose."""
    return passwords.hashed(PASSWORD)


@contextmanager
def office(folder: Path, *violations: Violation, options: Options | None = None) -> Iterator[Office]:
    """A store in a folder, with an account for each role, called like it, and `second`, a reviewer."""
    clock = ManualClock(NOW)
    with closing(open_store(folder / "store.db")) as store:
        store.write(turn(*(violations or (found(CASE), found(CASE, day=21), found("bb" * 16, "card")))))
        book = store.casebook(SIGNER)
        desk = Desk(book, RULES, clock)
        desk.catch_up()
        for name in (*ROLES, "second"):
            role = "reviewer" if name == "second" else name
            account, record = kept(name, role, "", None, "test")
            book.keep_account(replace(account, password=_hashed()), record, NOW)
        yield Office(desk, clock, Site(desk, options or Options(), clock.monotonic), book)
