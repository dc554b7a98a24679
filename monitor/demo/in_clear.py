"""Planted: what else of people, and which secrets, stands in fields of a log; one case for each rule."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from monitor.demo import company as made_up
from monitor.demo.application import Record, record
from monitor.demo.cases import APPLICATION, Case, Leak, app, says
from monitor.demo.rhythm import Period

_TRACE = 'Traceback (most recent call last):\n  File "job.py", line 41, in run\n'
_LINE = "ZE000509<9CAN8501019F2301147<<<<<<<<<<<<<<08"
"""The lower line of a specimen passport, as a government published it."""


def _person(rng: Random, **more: object) -> Record:
    return {"id": f"C{rng.randrange(40_000)}", **more}


def _field(name: str, draw: Callable[[Random], object]) -> Callable[[Random], Record]:
    return lambda rng: _person(rng, **{name: draw(rng)})


def _raises(service: str, said: Callable[[Random], str]) -> Callable[[Random, int], Record]:
    def make(rng: Random, when: int) -> Record:
        error = {"type": "Refused", "stack_trace": f"{_TRACE}Refused: {said(rng)}"}
        return record(rng, when, service, "job_failed", "job failed", error=error)

    return make


def _uuid(rng: Random) -> str:
    digits = made_up.hex_id(rng, 128)
    return "-".join((f"a{digits[:7]}", digits[7:11], digits[11:15], digits[15:19], digits[19:31]))


def _leak(rule: str, service: str, note: str, count: int, **fields: Callable[[Random], object]) -> Leak:
    return Leak(rule, APPLICATION, service, note, count, app(service, "changed", "saved", **fields))


_LEAKS = (
    _leak(
        "health_insurance_number_in_clear",
        "clinic-api",
        "numbers of insured people",
        14,
        insured=_field("kvnr", lambda rng: f"A{rng.randrange(10**9):09d}"),
    ),
    _leak(
        "financial_circumstances_in_clear",
        "payroll",
        "salaries in a change log",
        9,
        staff=_field("salary", lambda rng: rng.randrange(2_000, 9_000)),
    ),
    _leak(
        "criminal_record_in_clear",
        "hr-api",
        "what certificates of conduct say",
        3,
        applicant=_field("criminal_record", lambda _: "theft, 2019"),
    ),
    _leak(
        "biometric_data_in_clear",
        "gate-api",
        "faces as numbers, in a list",
        6,
        visitor=_field("face_embedding", lambda rng: [round(rng.uniform(-1, 1), 4) for _ in range(8)]),
    ),
    _leak(
        "vehicle_identifier_in_clear",
        "parking",
        "plates at the barrier",
        22,
        entry=_field("license_plate", lambda rng: f"XX-YY {rng.randrange(1000)}"),
    ),
    _leak(
        "device_identifier_in_clear",
        "app-api",
        "advertising identifiers of phones",
        31,
        phone_app=_field("idfa", _uuid),
    ),
    _leak(
        "person_name_in_clear",
        "shop-api",
        "names of recipients",
        26,
        recipient=_field("last_name", lambda rng: rng.choice(made_up.LAST).title()),
    ),
    _leak(
        "travel_document_in_clear",
        "checkin",
        "a scan of a passport's lower line",
        2,
        scan=_field("mrz_line2", lambda _: _LINE),
    ),
    _leak(
        "position_in_clear",
        "app-api",
        "positions of couriers",
        17,
        courier=_field("gps", lambda rng: f"{53.5 + rng.random() / 10:.5f},{9.9 + rng.random() / 10:.5f}"),
    ),
    _leak(
        "client_address_not_truncated",
        "web-stats",
        "addresses said to be anonymised",
        12,
        visit=_field("anonymized_ip", made_up.visitor),
    ),
    _leak(
        "one_time_code_in_clear",
        "login-api",
        "codes of a second factor",
        8,
        challenge=_field("sms_code", lambda rng: f"{rng.randrange(10**6):06d}"),
    ),
    _leak(
        "secret_key_in_clear",
        "reports",
        "a key in settings that were logged",
        4,
        config=_field("api_key", lambda rng: f"winter-{rng.randrange(2000, 2027)}-reports"),
    ),
    _leak(
        "connection_string_in_clear",
        "reports",
        "the address of a database with its password",
        3,
        config=_field("database_url", lambda _: "postgresql://reports:Winter-2026@db1.internal/shop"),
    ),
    _leak(
        "session_cookie_in_log",
        "gateway",
        "cookies of requests",
        10,
        headers=_field("cookie", lambda rng: f"lang=de; JSESSIONID={made_up.hex_id(rng, 128).upper()}"),
    ),
    Leak(
        "token_in_text",
        APPLICATION,
        "gateway",
        "bearer tokens in messages",
        6,
        says("gateway", "forward", lambda rng: f"sent Authorization: Bearer {made_up.hex_id(rng, 96)}"),
    ),
    Leak(
        "password_in_connection_string",
        APPLICATION,
        "reports",
        "the address of a database in a message",
        2,
        says("reports", "connect", lambda _: "trying mysql://reports:Winter-2026@db1.internal/shop"),
    ),
    Leak(
        "identifiers_in_stack_trace",
        APPLICATION,
        "payments-api",
        "a card number in an exception",
        5,
        _raises("payments-api", made_up.card),
    ),
    Leak(
        "secrets_in_stack_trace",
        APPLICATION,
        "reports",
        "the address of a database in an exception",
        3,
        _raises("reports", lambda _: "mysql://reports:Winter-2026@db2.internal/shop"),
    ),
)


_FAMILIES = {
    "client_address_not_truncated": "unanonymised",
    **dict.fromkeys(
        (
            "one_time_code_in_clear",
            "secret_key_in_clear",
            "connection_string_in_clear",
            "session_cookie_in_log",
            "token_in_text",
            "password_in_connection_string",
            "secrets_in_stack_trace",
        ),
        "secrets",
    ),
}
"""Of the rules that are not of the family unencrypted."""


def in_clear(seed: int, period: Period) -> list[Case]:
    """Every case of this module, its events spread over the period."""
    return [leak.spread(_FAMILIES.get(leak.rule, "unencrypted"), seed, period) for leak in _LEAKS]
