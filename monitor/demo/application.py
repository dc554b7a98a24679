"""Ordinary records of the applications: shop, clinic, personnel, payments and what runs beside them.

Nothing here is a violation. About one record in seventeen comes close on purpose: masked, encrypted and
tokenised values, role addresses, git remotes, package names, object references.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from monitor.demo import company as made_up
from monitor.demo.company import Company, Quota
from monitor.demo.rhythm import CLINIC, HOUR, MACHINES, OFFICE, VISITORS, Period, Rhythm, iso

Record: TypeAlias = dict[str, Any]

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"


def record(rng: Random, when: int, service: str, action: str, message: str, **more: object) -> Record:
    """The fields every application writes, then those of the case."""
    return {
        "@timestamp": iso(when),
        "log": {"level": "INFO", "logger": service},
        "service": {"name": service, "version": f"4.{rng.randrange(10, 14)}.1"},
        "message": message,
        "event": {
            "action": action,
            "category": "web",
            "outcome": "success",
            "duration": rng.randrange(2_000),
        },
        "trace": {"id": made_up.hex_id(rng, 128)},
        "span": {"id": made_up.hex_id(rng, 64)},
        **more,
    }


def request(rng: Random, method: str, url: str, status: int = 200) -> Record:
    """The fields of a request an application answered, to be merged into its record."""
    return {
        "http": {
            "request": {"method": method},
            "response": {"status_code": status},
        },
        "url": {"original": url},
        "source": {"ip": made_up.visitor(rng)},
        "user_agent": {"original": BROWSER},
    }


def _browse(rng: Random, when: int, _cast: Company) -> Record:
    item = rng.randrange(10_000)
    return record(
        rng,
        when,
        "shop-web",
        "browse",
        "page served",
        **request(rng, "GET", f"/shop/item/{item}?size={item % 5}"),
    )


def _cart(rng: Random, when: int, cast: Company) -> Record:
    customer = {"id": f"C{rng.randrange(cast.customers)}"}
    return record(
        rng,
        when,
        "shop-api",
        "cart_changed",
        "cart changed",
        customer=customer,
        **request(rng, "PUT", "/api/cart"),
    )


def _order(rng: Random, when: int, cast: Company) -> Record:
    return record(
        rng,
        when,
        "shop-api",
        "order_placed",
        f"order {rng.randrange(10**7):07d} placed, confirmation queued for [REDACTED]",
        customer={"id": f"C{rng.randrange(cast.customers)}", "phone": made_up.token(rng)},
        payment={"card_number": f"************{rng.randrange(10_000):04d}", "iban": made_up.sealed(rng)},
        **request(rng, "POST", "/api/orders", 201),
    )


def _login(rng: Random, when: int, _cast: Company) -> Record:
    return record(
        rng,
        when,
        "login-api",
        "login",
        "signed in, mail masked as ***@hafenpost-mail.eu",
        user={"email_hash": made_up.hex_id(rng, 256)},
        form={"password": "[REDACTED]"},
        **request(rng, "POST", "/api/login"),
    )


def _health_check(rng: Random, when: int, _cast: Company) -> Record:
    return record(
        rng,
        when,
        rng.choice(("shop-api", "clinic-api", "payments-api", "hr-api")),
        "health_check",
        "ready",
        user={"name": "svc-monitor", "roles": ["service"]},
        http={"request": {"method": "GET"}, "response": {"status_code": 200}},
        url={"original": "/healthz"},
    )


def _payment_job(rng: Random, when: int, cast: Company) -> Record:
    return record(
        rng,
        when,
        "payments-api",
        "read",
        "invoice settled",
        user={"name": "svc-billing", "roles": ["service"]},
        customer={"id": f"C{rng.randrange(cast.customers)}"},
        payment={"iban": made_up.token(rng), "amount": rng.randrange(100, 90_000)},
    )


_NOISE = (
    ("deploy", "cloning git@git.nordwind-shop.de:shop/api.git"),
    ("deploy", "fetching ssh://git@git.nordwind-shop.de:2222/clinic/api.git"),
    ("deploy", "installed @nordwind/cart@4.12.1 and @nordwind/forms@2.0.3"),
    ("shop-web", "asset img/logo@2x.png served from cache"),
    ("shop-api", "released lock held by de.nordwind.Cart@1b6d3586"),
    ("mailer", "newsletter queued, sender no-reply@nordwind-shop.de"),
    ("mailer", "bounce sorted into the box of postmaster@nordwind-shop.de"),
    ("shop-api", "smoke test ordered as someone@example.com"),
    ("login-api", "wrong password for an account, password reset offered"),
    ("clinic-api", "appointment slots recomputed for ward 4"),
)


_JOBS = ("shop-api", "clinic-api", "search", "payments-api", "warehouse")


def _job(rng: Random, when: int, _cast: Company) -> Record:
    service = rng.choice(_JOBS)
    user = {"name": f"svc-{service}", "roles": ["service"]}
    message = (
        f"worker {rng.randrange(8)} finished {rng.randrange(1, 500)} tasks, queue depth {rng.randrange(90)}"
    )
    return record(rng, when, service, "job", message, user=user, process={"pid": rng.randrange(2, 30_000)})


def _noise(rng: Random, when: int, _cast: Company) -> Record:
    service, message = rng.choice(_NOISE)
    user = {"name": f"svc-{service}", "roles": ["service"]}
    return record(rng, when, service, "job", message, user=user, process={"pid": rng.randrange(2, 30_000)})


def _appointment(rng: Random, when: int, cast: Company) -> Record:
    return record(
        rng,
        when,
        "clinic-api",
        "appointment_booked",
        "appointment booked",
        patient={"id": f"P{rng.randrange(cast.patients)}", "date_of_birth": made_up.sealed(rng)},
        appointment={"ward": rng.randrange(9), "diagnosis": made_up.sealed(rng)},
        **request(rng, "POST", "/api/appointments", 201),
    )


def _staff(rng: Random, when: int, who: str, role: str, service: str, **subject: object) -> Record:
    return record(
        rng,
        when,
        service,
        "read",
        "record opened",
        user={"name": who, "roles": [role]},
        source={"ip": made_up.inside(rng)},
        **subject,
    )


Maker: TypeAlias = Callable[[Random, int, Company], Record]

_PLAN: tuple[tuple[Maker, float, Rhythm], ...] = (
    (_browse, 0.46, VISITORS),
    (_cart, 0.12, VISITORS),
    (_order, 0.015, VISITORS),
    (_login, 0.015, VISITORS),
    (_appointment, 0.01, CLINIC),
    (_health_check, 0.14, MACHINES),
    (_job, 0.11, MACHINES),
    (_payment_job, 0.01, MACHINES),
    (_noise, 0.01, MACHINES),
)


def _staff_records(rng: Random, period: Period, cast: Company, count: int) -> list[tuple[int, Record]]:
    """People who open records, each within the quota of a normal hour; what exceeds it stays undone."""
    plan = (
        (cast.agents, 0.6, 12, "agent", "crm", "customer", "C", cast.customers, OFFICE),
        (cast.clinicians, 0.33, 8, "clinician", "clinic-api", "patient", "P", cast.patients, CLINIC),
        (cast.personnel, 0.07, 5, "personnel", "hr-api", "employee", "E", cast.employees, OFFICE),
    )
    made: list[tuple[int, Record]] = []
    for people, share, most, role, service, subject, letter, known, rhythm in plan:
        quota = Quota(most)
        for when in sorted(period.moments(rng, round(count * share), rhythm)):
            who = rng.choice(people)
            if quota.take(who, when // HOUR):
                about = {subject: {"id": f"{letter}{rng.randrange(known)}"}}
                made.append((when, _staff(rng, when, who, role, service, **about)))
    return made


def ordinary(rng: Random, period: Period, cast: Company, count: int) -> list[tuple[int, Record]]:
    """About `count` ordinary records with their moments in microseconds, unordered."""
    made = [
        (when, make(rng, when, cast))
        for make, share, rhythm in _PLAN
        for when in period.moments(rng, round(count * share), rhythm)
    ]
    made += _staff_records(rng, period, cast, round(count * 0.11))
    made += _weekly_exports(rng, period, cast)
    return made


def _weekly_exports(rng: Random, period: Period, cast: Company) -> list[tuple[int, Record]]:
    """Two people export the weekly report, on its first day."""
    moments = [(who, period.at(0, 9 + 0.1 * number)) for number, who in enumerate(cast.personnel[:2])]
    return [
        (
            when,
            record(rng, when, "crm", "export", "report exported", user={"name": who, "roles": ["personnel"]}),
        )
        for who, when in moments
    ]
