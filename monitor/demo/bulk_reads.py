"""Planted: bulk reads, one episode for each rule of that family."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from monitor.demo import company as made_up
from monitor.demo.access import line
from monitor.demo.application import Record, record
from monitor.demo.cases import ACCESS, APPLICATION, DATABASE, Case, Entry
from monitor.demo.company import Company
from monitor.demo.database import audit
from monitor.demo.rhythm import Period

_SECOND = 1_000_000


def _every(
    seconds: int, count: int, start: int, make: Callable[[int, int], Record | str]
) -> tuple[Entry, ...]:
    """`count` entries, `seconds` apart; `make` gets the entry's number and moment."""
    moments = [start + number * seconds * _SECOND for number in range(count)]
    return tuple((when, make(number, when)) for number, when in enumerate(moments))


def _reader(rng: Random, who: str, service: str, subject: str) -> Callable[[int, int], Record]:
    """Somebody who opens one record after the other, by their numbers."""
    first, user = rng.randrange(100), {"name": who, "roles": ["staff"]}

    def make(number: int, when: int) -> Record:
        about = {subject: {"id": f"{subject[0].upper()}{first + number}"}}
        return record(rng, when, service, "read", "record opened", user=user, **about)

    return make


def _customers(rng: Random, period: Period, cast: Company) -> Case:
    who = cast.agents[3]
    entries = _every(15, 180, period.at(2, 16.2), _reader(rng, who, "crm", "customer"))
    return Case("bulk_read_customers", "bulk", APPLICATION, who, "180 customers in 45 minutes", entries)


def _patients(rng: Random, period: Period, cast: Company) -> Case:
    who = cast.clinicians[5]
    entries = _every(30, 60, period.at(3, 21.1), _reader(rng, who, "clinic-api", "patient"))
    return Case(
        "bulk_read_patients", "bulk", APPLICATION, who, "60 patients in half an evening hour", entries
    )


def _employees(rng: Random, period: Period, cast: Company) -> Case:
    who = cast.personnel[4]
    entries = _every(30, 45, period.at(4, 18.3), _reader(rng, who, "hr-api", "employee"))
    return Case("bulk_read_employees", "bulk", APPLICATION, who, "45 personnel files after work", entries)


def _curiosity(rng: Random, period: Period, cast: Company) -> Case:
    people = cast.clinicians[10:26]

    def make(number: int, when: int) -> Record:
        user = {"name": people[number], "roles": ["clinician"]}
        return record(rng, when, "clinic-api", "read", "record opened", user=user, patient={"id": "P77"})

    entries = _every(2100, len(people), period.at(1, 7.5), make)
    return Case("patient_record_opened_by_many", "bulk", APPLICATION, "", "16 people, one patient", entries)


def _exports(rng: Random, period: Period, cast: Company) -> Case:
    who = cast.agents[20]

    def make(_number: int, when: int) -> Record:
        return record(rng, when, "crm", "export", "list exported", user={"name": who, "roles": ["agent"]})

    entries = _every(1500, 8, period.at(4, 11.4), make)
    return Case("repeated_exports", "bulk", APPLICATION, who, "eight exports in an afternoon", entries)


def _table_copy(rng: Random, period: Period, cast: Company) -> Case:
    who = cast.analysts[2]

    def make(number: int, when: int) -> Record:
        statement = f"SELECT * FROM customers ORDER BY id LIMIT 500 OFFSET {number * 500}"  # noqa: S608 - never run
        return audit(rng, when, who, "customers", statement, rows=500)

    entries = _every(30, 80, period.at(3, 19.2), make)
    return Case("bulk_rows_from_database", "bulk", DATABASE, who, "40,000 rows, page by page", entries)


def _enumeration(rng: Random, period: Period, _cast: Company) -> Case:
    client = "198.51.100.23"

    def make(number: int, when: int) -> str:
        return line(
            rng, when, f"/api/customers/{10_000 + number}", client=client, status=404, agent="curl/8.5.0"
        )

    entries = _every(4, 120, period.at(5, 2.3), make)
    return Case("person_record_enumeration", "bulk", ACCESS, client, "numbers counted up at night", entries)


_EPISODES = (_customers, _patients, _employees, _curiosity, _exports, _table_copy, _enumeration)


def bulk_reads(seed: int, period: Period, cast: Company) -> list[Case]:
    """Every case of this family, on different days where the period has them."""
    rng = made_up.seeded(seed, "bulk reads")
    return [episode(rng, period, cast) for episode in _EPISODES]
