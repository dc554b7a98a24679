"""Ordinary records of the databases' audit log."""

from __future__ import annotations

from random import Random

from monitor.demo import company as made_up
from monitor.demo.application import Record
from monitor.demo.company import Company, Quota
from monitor.demo.rhythm import HOUR, MACHINES, OFFICE, VISITORS, Period, iso


def audit(
    rng: Random, when: int, who: str, table: str, statement: str, *, rows: int = 1, **more: object
) -> Record:
    """One statement somebody ran; `more` replaces fields."""
    return {
        "@timestamp": iso(when),
        "service": {"name": "postgresql"},
        "event": {
            "category": "database",
            "action": statement.split(maxsplit=1)[0].lower(),
            "outcome": "success",
        },
        "db": {"name": "shop", "table": table, "rows": rows, "statement": statement},
        "user": {"name": who},
        "source": {"ip": made_up.inside(rng)},
        "tls": {"established": True, "version": "1.3"},
        "session": {"id": made_up.hex_id(rng, 64)},
        **more,
    }


_SERVICE_STATEMENTS = (
    ("svc-shop", "customers", "SELECT id, tier FROM customers WHERE id = $1"),
    ("svc-shop", "orders", "INSERT INTO orders (customer_id, total) VALUES ($1, $2)"),
    ("svc-clinic", "appointments", "SELECT slot, ward FROM appointments WHERE patient_id = $1 AND day = $2"),
    ("svc-login", "accounts", "SELECT id FROM accounts WHERE email_hash = $1"),
    ("svc-login", "accounts", "UPDATE accounts SET password = $1 WHERE id = $2"),
)


def _service(rng: Random, when: int) -> Record:
    who, table, statement = rng.choice(_SERVICE_STATEMENTS)
    return audit(rng, when, who, table, statement)


def _batch(rng: Random, when: int) -> Record:
    return audit(
        rng,
        when,
        "svc-search",
        "customers",
        "SELECT id, tier FROM customers WHERE changed > $1",
        rows=rng.randrange(9_000),
    )


def _analyst(rng: Random, when: int, who: str) -> Record:
    statement = rng.choice(
        (
            "SELECT count(*) FROM customers WHERE email LIKE '%@%'",
            "SELECT tier, count(*) FROM customers GROUP BY tier",
            "SELECT day, sum(total) FROM orders GROUP BY day",
        )
    )
    return audit(rng, when, who, "customers", statement, rows=rng.randrange(1, 200))


def ordinary(rng: Random, period: Period, cast: Company, count: int) -> list[tuple[int, Record]]:
    """About `count` ordinary records with their moments in microseconds, unordered."""
    plan = ((_service, 0.88, VISITORS), (_batch, 0.06, MACHINES))
    made = [
        (when, make(rng, when))
        for make, share, rhythm in plan
        for when in period.moments(rng, round(count * share), rhythm)
    ]
    quota = Quota(12)
    for when in sorted(period.moments(rng, round(count * 0.06), OFFICE)):
        who = rng.choice(cast.analysts)
        if quota.take(who, when // HOUR):
            made.append((when, _analyst(rng, when, who)))
    return made
