"""How fast the pages of the review answer over a store of a million violations.

    python benchmarks/review.py                     SQLite and PostgreSQL, 1 M violations each
    python benchmarks/review.py --stores sqlite     one of them
    python benchmarks/review.py --keep              leave the filled SQLite file in .cache/bench

Fills a store as the daemon does, takes it in as `privwatch web` does, then asks the running site for each of
its pages as a signed-in data protection officer. benchmarks/README.md says how to read the figures. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from urllib.parse import urlencode

import uvicorn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.replay import CACHE, machine  # noqa: E402 - after the path
from monitor import app  # noqa: E402
from monitor.casebook import Query  # noqa: E402
from monitor.clock import ManualClock, SystemClock  # noqa: E402
from monitor.ledger.signing import Signer  # noqa: E402
from monitor.model import Evidence, Part, Position, Turn, Violation  # noqa: E402
from monitor.review.catalogue import catalogue  # noqa: E402
from monitor.review.desk import Desk  # noqa: E402
from monitor.store import open_store  # noqa: E402
from monitor.web.administration import kept  # noqa: E402
from monitor.web.site import Options, Site, application  # noqa: E402
from tests.support.ports import free_ports  # noqa: E402
from tests.support.postgresql_server import Postgresql, PostgresqlServer  # noqa: E402

TARGET_MS = 300
DAYS = 28
LAST = date(2026, 11, 22)
NOW = round(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp() * 1e6)
DAY = 86_400_000_000
TURN = 20_000
PASSWORD = "a-password-for-benchmarks"
LEVELS = ("low", "low", "low", "medium", "medium", "high", "critical")


def violations(rules: list[str], number: int) -> Iterator[Violation]:
    """Made-up violations, day by day; each identity of a rule comes back on about every third day."""
    rng = Random(1)
    identities = max(1, number * 3 // DAYS)
    a_day = -(-number // DAYS)
    for n in range(number):
        day = LAST - timedelta(days=DAYS - 1 - n // a_day)
        # Few come often: as in any log.
        who = min(rng.randrange(identities), rng.randrange(identities))
        rule = rules[who % len(rules)]
        at = NOW - (LAST - day).days * DAY - rng.randrange(8 * 3600) * 1_000_000
        # Of one identity and day there is one violation; a second one is told apart by its number.
        name = f"{who}|{day}|{n}"
        yield Violation(
            fingerprint=hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
            rule=rule,
            digest="d",
            level=LEVELS[who % len(LEVELS)],
            status="stable",
            kind="event",
            actor=f"psn_{who % 5000:016x}",
            resource=f"/service-{who % 300}/{{id}}",
            path=f"field.number{who % 80}",
            period=day.isoformat(),
            group=hashlib.md5(f"{rule}|{who}".encode(), usedforsecurity=False).hexdigest(),
            count=1 + rng.randrange(20),
            first=at,
            last=at + 60_000_000,
            samples=(Position("logs-0", n),),
            evidence=Evidence("field", "email", "raw", "", "a***@nordwind-shop.de"),
            subjects=tuple(sorted(rng.getrandbits(63) for _ in range(3))),
        )


def filled(place: str, number: int) -> tuple[Site, dict[str, float]]:
    """The site over a store with that many violations, and seconds of storing and of taking in."""
    clock = ManualClock(NOW)
    ruleset, _ = app.load_rules([app.shipped_rules()], SystemClock())
    cards = catalogue(ruleset)
    store = open_store(place, password_file=None)
    book = store.casebook(Signer(bytes(32)))
    desk = Desk(book, cards, clock)
    figures: dict[str, float] = {}
    if not book.accounts():
        began = time.perf_counter()
        pending: list[Part] = []
        for one in violations(sorted(cards.cards), number):
            pending.append(Part("logs-0", one))
            if len(pending) == TURN:
                store.write(Turn(parts=tuple(pending)))
                pending.clear()
        store.write(Turn(parts=tuple(pending)))
        figures["store_s"] = time.perf_counter() - began
        began = time.perf_counter()
        desk.catch_up()
        figures["take_in_s"] = time.perf_counter() - began
        # Last: a store that has it was filled to the end.
        book.keep_account(*kept("dora", "dpo", PASSWORD, None, "benchmark"), NOW)
    began = time.perf_counter()
    desk.catch_up()
    figures["take_in_nothing_ms"] = 1000 * (time.perf_counter() - began)
    return Site(desk, Options(), clock.monotonic), figures


def pages(site: Site) -> dict[str, str]:
    """Name to address, the ones a Monday morning needs."""
    cases = site.desk.book.find(Query(limit=1)).cases
    case, rule = cases[0], cases[0].rule
    week = site.desk.latest()
    queues = {
        "all": {"state": "all"},
        "week": {"week": str(week)},
        "level": {"level": "low", "state": "all"},
        "rule": {"rule": rule, "state": "all", "week": str(week)},
        "search": {"q": "e-mail", "state": "all"},
        "actor": {"q": case.actor},
        "newest": {"sort": "newest"},
        "page 40": {"page": "40"},
    }
    return {
        "week": f"/weeks/{week}",
        "queue": "/cases",
        **{f"queue, {name}": "/cases?" + urlencode(asked) for name, asked in queues.items()},
        "case": f"/cases/{case.key}",
        "register": "/register",
        "ledger": "/ledger",
        "retention": "/retention",
    }


@contextmanager
def served(site: Site) -> Iterator[http.client.HTTPConnection]:
    """A connection to the site, which answers on a free port of this machine."""
    (port,) = free_ports(1)
    config = uvicorn.Config(application(site), port=port, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join(20)


def timed(site: Site, rounds: int) -> dict[str, float]:
    """Milliseconds of each page: median over the rounds, from the request to the last byte."""
    with served(site) as connection:
        form = urlencode({"name": "dora", "password": PASSWORD})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/sign-in", form, kind)
        answer = connection.getresponse()
        answer.read()
        cookie = {"cookie": str(answer.getheader("set-cookie")).partition(";")[0]}
        took: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, path in pages(site).items():
                began = time.perf_counter()
                connection.request("GET", path, headers=cookie)
                answer = connection.getresponse()
                size = len(answer.read())
                took.setdefault(name, []).append(1000 * (time.perf_counter() - began))
                if answer.status != 200 or size < 1000:
                    raise SystemExit(f"{name}: {path} answered {answer.status} with {size} bytes")
    return {name: statistics.median(said) for name, said in took.items()}


@contextmanager
def place(store: str, folder: Path) -> Iterator[str]:
    """An empty database."""
    if store == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        yield str(folder / "review.db")
        return
    server = PostgresqlServer()
    try:
        server.start()
        yield Postgresql(server.url).database()
    finally:
        server.close()


def main() -> int:
    """Measure and print; 1 where a page takes longer than it may."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--violations", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--keep", action="store_true", help="the SQLite file, in .cache/bench")
    options = parser.parse_args()
    results: dict[str, object] = {**machine(), "violations": options.violations, "rounds": options.rounds}
    slow = False
    for store in options.stores:
        kept_in = CACHE / f"review-{options.violations}"
        with (
            tempfile.TemporaryDirectory() as folder,
            place(store, kept_in if options.keep else Path(folder)) as where,
        ):
            site, figures = filled(where, options.violations)
            print(
                f"{store}: " + ", ".join(f"{name} {said:,.1f}" for name, said in figures.items()), flush=True
            )
            took = timed(site, options.rounds)
            for name, said in took.items():
                print(f"  {name:16} {said:8.1f} ms", flush=True)
            worst = max(took.values())
            slow = slow or worst > TARGET_MS
            results[f"{store}.page_ms"] = round(worst, 1)
            results[f"{store}.slowest"] = max(took, key=lambda name: took[name])
            results |= {f"{store}.{name}": round(said, 1) for name, said in figures.items()}
    print(json.dumps(results))
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
