"""The cast: people, accounts, addresses and values. All of it is made up.

Domains are fictional, cards are the networks' published test numbers, social security and phone numbers lie
in blocks that are never given out, IBANs name a bank code that no bank has, network addresses are those
reserved for documentation.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random

FIRST = (
    "ada", "bela", "caro", "dunja", "emil", "falk", "gesa", "hanno", "ilka", "jost", "kira", "lasse",
    "mila", "nuri", "oda", "piet", "quirin", "rike", "sina", "tjark", "ulla", "veit", "wanja", "xaver",
    "yara", "zoe",
)  # fmt: skip
LAST = (
    "fischgrund", "wellenbrook", "tannert", "heckenau", "lohmar", "quell", "dornsiep", "marschalk",
    "birkenfels", "sturmhavn", "kaltenmoor", "ebbesand", "grauwinkel", "steinlauf", "nebelau", "torfkamp",
    "kranichholt", "silberdeich", "moosbach", "wiesenrain", "hollerstedt", "ottenbuell", "rabensiek",
    "schilfmeer",
)  # fmt: skip
DOMAINS = (
    "nordwind-shop.de",
    "acme-hospital.org",
    "postbrief-mail.de",
    "hafenpost-mail.eu",
    "musterpost-mail.net",
)
CARDS = ("4111111111111111", "5555555555554444", "4012888888881881", "5105105105105100", "4242424242424242")
STREETS = ("Ebbeweg", "Kranichallee", "Am Silberdeich", "Nebelgasse", "Torfkamp")
DIAGNOSES = (
    "seasonal asthma",
    "migraine without aura",
    "type 2 diabetes",
    "lumbar sprain",
    "iron deficiency",
)


def seeded(*names: object) -> Random:
    """A generator of its own for each purpose, so that adding one does not move the others."""
    return Random(":".join(map(str, names)))  # noqa: S311 - repeatable made-up data, nothing secret


@dataclass(frozen=True, slots=True)
class Company:
    """Accounts by department; customers, patients and employees are numbers."""

    agents: tuple[str, ...]
    clinicians: tuple[str, ...]
    personnel: tuple[str, ...]
    analysts: tuple[str, ...]
    customers: int = 40_000
    patients: int = 9_000
    employees: int = 900


def company() -> Company:
    """The same people for every seed, as in any company."""
    names = [f"{first[0]}.{last}" for last in LAST for first in FIRST[:4]]
    return Company(tuple(names[:40]), tuple(names[40:70]), tuple(names[70:76]), tuple(names[76:84]))


@dataclass(slots=True)
class Quota:
    """Keeps ordinary work ordinary: nobody does more than `most` of one thing in one clock hour."""

    most: int
    used: Counter[tuple[str, int]] = field(default_factory=Counter)

    def take(self, who: str, hour: int) -> bool:
        """Whether `who` may do one more in that hour; counts it."""
        self.used[who, hour] += 1
        return self.used[who, hour] <= self.most


def email(rng: Random) -> str:
    """An address of nobody."""
    return f"{rng.choice(FIRST)}.{rng.choice(LAST)}@{rng.choice(DOMAINS)}"


def iban(rng: Random) -> str:
    """German layout with right check digits (ISO 7064 mod 97-10) and the bank code 00000000."""
    body = f"00000000{rng.randrange(10**10):010d}"
    return f"DE{98 - int(body + '131400') % 97:02d}{body}"


def card(rng: Random) -> str:
    """A published test number."""
    return rng.choice(CARDS)


def ssn(rng: Random) -> str:
    """A number of the block 987-65-432x, which is kept for advertising and never issued."""
    return f"987-65-432{rng.randrange(10)}"


def birthday(rng: Random) -> str:
    """A date between 1940 and 2005."""
    return f"{rng.randint(1940, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def phone(rng: Random) -> str:
    """A number of the block (0)30 23125 xxx, which is kept for film and television."""
    return f"+49 30 23125 {rng.randrange(1000):03d}"


def hex_id(rng: Random, bits: int) -> str:
    """A random identifier, four bits a digit."""
    return f"{rng.getrandbits(bits):0{bits // 4}x}"


def token(rng: Random) -> str:
    """A keyed token as a vault hands it out."""
    return f"tok_{hex_id(rng, 80)}"


def sealed(rng: Random) -> str:
    """A value encrypted by a transit key."""
    return "vault:v1:" + base64.b64encode(rng.randbytes(44)).decode()


def weak_hash(rng: Random) -> str:
    """MD5 of an address without a key, which anybody can compute."""
    return hashlib.md5(email(rng).encode(), usedforsecurity=False).hexdigest()


def visitor(rng: Random) -> str:
    """An address of the networks kept for documentation."""
    return f"{rng.choice(('203.0.113', '198.51.100'))}.{rng.randint(30, 250)}"


def inside(rng: Random) -> str:
    """An address inside the company."""
    return f"10.20.{rng.randrange(8)}.{rng.randint(1, 250)}"
