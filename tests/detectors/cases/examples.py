"""Examples for the catalogue's page: per class a few texts, each with the field it stands in."""

from tests.detectors.cases import Case, credentials, email_not, persons
from tests.detectors.cases.national import FIELDS, INVALID, VALID

BASIC = {
    "email": [
        ("mail", "anna.berg@nordwind-shop.de"),
        ("url", "/reset?m=anna.berg%40nordwind-shop.de"),
        ("mail", "a***@nordwind-shop.de"),
        *(("message", case.text) for case in email_not.CASES[:2]),
    ],
    "iban": [
        ("message", "paid from DE89 3704 0044 0532 0130 00"),
        ("message", "paid from DE89 3704 0044 0532 0130 01"),
    ],
    "card": [
        ("message", "charged 4111 1111 1111 1111"),
        ("message", "charged 4111 1111 1111 1112"),
        ("time_us", "1763287200000000"),
    ],
}


def examples() -> dict[str, list[tuple[str, str]]]:
    """Class to (field, text)."""
    national = {
        name: [
            (FIELDS[name], VALID[name][0]),
            ("message", f"got {VALID[name][0]}"),
            (FIELDS[name], INVALID[name][0]),
        ]
        for name in VALID
    }
    others = {
        name: [
            (case.path or "message", case.text) for case in (*_some(cases, 4), *_some(cases, 3, found=False))
        ]
        for name, cases in {**persons.CASES, **credentials.CASES}.items()
    }
    return {**BASIC, **national, **others}


def _some(cases: list[Case], count: int, *, found: bool = True) -> list[Case]:
    return [case for case in cases if bool(case.states) == found and "\n" not in case.text][:count]
