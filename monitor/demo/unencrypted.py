"""Planted: sensitive fields that should be encrypted and are not, one case for each rule of that family."""

from __future__ import annotations

import json
from random import Random

from monitor.demo import company as made_up
from monitor.demo.access import line
from monitor.demo.application import Record
from monitor.demo.cases import ACCESS, APPLICATION, DATABASE, Case, Leak, app, says
from monitor.demo.database import audit
from monitor.demo.rhythm import Period


def _customer(rng: Random) -> Record:
    return {"id": f"C{rng.randrange(40_000)}"}


def _debit(rng: Random) -> Record:
    return {"iban": made_up.iban(rng), "amount": rng.randrange(100, 90_000)}


def _charge(rng: Random) -> Record:
    return {"cardNumber": int(made_up.card(rng)), "cvv": f"{rng.randrange(1000):03d}"}


def _form(rng: Random) -> Record:
    return {"password": f"{rng.choice(made_up.FIRST)}-{rng.randrange(1980, 2026)}"}


def _visit(rng: Random) -> str:
    return json.dumps({"visit": {"diagnosis": rng.choice(made_up.DIAGNOSES)}})


def _family(rng: Random) -> list[Record]:
    return [{"date_of_birth": made_up.birthday(rng)} for _ in range(2)]


def _delivery(rng: Random) -> Record:
    street = f"{rng.choice(made_up.STREETS)} {rng.randint(1, 90)}"
    return {"phone": made_up.phone(rng), "street_address": street}


def _church_tax(rng: Random) -> Record:
    return {"id": f"E{rng.randrange(900)}", "religion": rng.choice(("rk", "ev", "is"))}


def _new_employee(rng: Random) -> Record:
    return {"id": f"E{rng.randrange(900)}", "ssn": made_up.ssn(rng)}


def _login_url(rng: Random, when: int) -> str:
    return line(
        rng, when, f"/login?user={rng.choice(made_up.LAST)}&password=Winter-{rng.randrange(2000, 2027)}"
    )


def _pay_url(rng: Random, when: int) -> str:
    return line(rng, when, f"/pay?card={made_up.card(rng)}")


def _clear_connection(rng: Random, when: int) -> Record:
    return audit(rng, when, "legacy-reports", "orders", "CONNECT", rows=0, tls={"established": False})


def _password_set(rng: Random, when: int) -> Record:
    statement = f"ALTER USER reports WITH PASSWORD 'Winter-{rng.randrange(2000, 2027)}'"
    return audit(rng, when, "dba", "accounts", statement, rows=0)


_CONNECTION = "connecting with host=db1 user=reports password=Winter-2026 sslmode=on"

_LEAKS = (
    Leak(
        "bank_account_in_clear",
        APPLICATION,
        "payments-api",
        "the IBAN of a direct debit, in a field",
        40,
        app("payments-api", "direct_debit", "direct debit collected", customer=_customer, payment=_debit),
    ),
    Leak(
        "card_number_in_clear",
        APPLICATION,
        "payments-api",
        "card and security code, left in by a debugging session",
        25,
        app("payments-api", "charge", "charging card", customer=_customer, payment=_charge),
    ),
    Leak(
        "card_number_in_text",
        APPLICATION,
        "crm",
        "card numbers typed into notes",
        6,
        says("crm", "note_added", lambda rng: f"note: caller read out {made_up.card(rng)}, wants a refund"),
    ),
    Leak(
        "contact_details_in_clear",
        APPLICATION,
        "shop-api",
        "phone number and street of a delivery",
        35,
        app("shop-api", "parcel_sent", "parcel handed over", customer=_customer, delivery=_delivery),
    ),
    Leak(
        "credentials_in_clear",
        APPLICATION,
        "login-api",
        "a sign-in form logged whole",
        9,
        app("login-api", "login_form", "form received", form=_form),
    ),
    Leak(
        "credentials_in_text",
        APPLICATION,
        "reports",
        "a connection string with its password",
        7,
        says("reports", "connect", lambda _: _CONNECTION),
    ),
    Leak("credentials_in_url", ACCESS, "", "a sign-in form sent with GET", 5, _login_url),
    Leak(
        "database_connection_without_encryption",
        DATABASE,
        "legacy-reports",
        "an old report server without TLS",
        14,
        _clear_connection,
    ),
    Leak(
        "date_of_birth_in_clear",
        APPLICATION,
        "clinic-api",
        "a family booking, in an array",
        18,
        app("clinic-api", "family_booked", "family appointment booked", persons=_family),
    ),
    Leak(
        "health_data_in_clear",
        APPLICATION,
        "clinic-api",
        "the diagnosis of an appointment, in JSON in a string",
        30,
        app("clinic-api", "appointment_moved", "appointment moved", payload=_visit),
    ),
    Leak(
        "iban_in_text",
        APPLICATION,
        "payments-api",
        "an IBAN in the text of a refused refund",
        12,
        says("payments-api", "refund", lambda rng: f"refund to {made_up.iban(rng)} refused by the bank"),
    ),
    Leak(
        "national_id_in_clear",
        APPLICATION,
        "hr-api",
        "social security numbers of new employees",
        8,
        app("hr-api", "employee_created", "employee created", employee=_new_employee),
    ),
    Leak("payment_data_in_url", ACCESS, "", "a card number in a payment link", 3, _pay_url),
    Leak("sensitive_data_in_query_text", DATABASE, "dba", "passwords set in SQL", 2, _password_set),
    Leak(
        "special_category_in_clear",
        APPLICATION,
        "payroll",
        "religion for the church tax",
        20,
        app("payroll", "tax_run", "tax class applied", employee=_church_tax),
    ),
)


def unencrypted(seed: int, period: Period) -> list[Case]:
    """Every case of this family, its events spread over the period."""
    return [leak.spread("unencrypted", seed, period) for leak in _LEAKS]
