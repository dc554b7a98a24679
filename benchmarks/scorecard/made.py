"""Made-up cases: values that Faker, phonenumbers and python-stdnum make, in lines of real logs."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

import phonenumbers
from faker import Faker

from scorecard.cases import FRAMES, Case, placed
from scorecard.spellings import COMPLIANT, ENCODED, NOT, RAW, Spelling
from tests.detectors.cases.national import FIELDS
from tests.detectors.oracles import DIGITS, ORACLES, filled

LOCALES: Final = ("de_DE", "fr_FR", "it_IT", "es_ES", "pl_PL", "nl_NL", "sv_SE", "en_GB", "en_US")
_CARDS: Final = ("visa16", "mastercard", "amex", "discover", "diners", "jcb16", "visa19")
_SELDOM_CARDS: Final = ("visa13", "maestro", "jcb15")
_IBANS: Final = (
    "de_DE",
    "fr_FR",
    "it_IT",
    "es_ES",
    "pl_PL",
    "nl_NL",
    "sv_SE",
    "en_GB",
    "de_AT",
    "de_CH",
    "no_NO",
    "fi_FI",
)
_REGIONS: Final = (
    "DE", "AT", "CH", "FR", "GB", "IE", "NL", "BE", "IT", "ES", "PT", "PL", "CZ", "SE", "DK", "NO", "FI",
    "GR", "RO", "HU", "US", "IN", "BR", "JP", "AU",
)  # fmt: skip


class Maker:
    """Cases of one half. The same seed and the same lines give the same cases."""

    def __init__(self, seed: int, lines: Sequence[str]) -> None:
        """`lines`: of real logs, without personal data of their own."""
        self._rng = Random(seed)
        self._lines = lines
        self._fakers = {name: Faker(name) for name in {*LOCALES, *_IBANS}}
        for faker in self._fakers.values():
            faker.seed_instance(seed)

    def cases(self, each: int) -> Iterator[Case]:
        """`each` cases of every kind."""
        for _ in range(each):
            yield from self._mails()
            yield from self._cards()
            yield from self._ibans()
            yield from self._phones()
            yield from self._addresses()
        for _ in range(5 * each):
            yield from self._national()

    def _framed(self, name: str, value: str, kind: str, *, personal: bool, peers: bool = True) -> Case:
        frame = self._rng.choice(FRAMES)[1]
        return Case(name, placed(value, self._lines, self._rng, frame), personal, kind, peers=peers)

    def _mails(self) -> Iterator[Case]:
        kinds: tuple[tuple[str, dict[str, Spelling], bool], ...] = (
            ("raw", RAW, True),
            ("encoded", ENCODED, True),
            ("compliant", COMPLIANT, False),
            ("not", NOT, False),
        )
        for kind, spellings, personal in kinds:
            for name, spell in spellings.items():
                faker = self._fakers[self._rng.choice(LOCALES)]
                address = faker.ascii_free_email() if self._rng.random() < 0.5 else _company(faker)
                yield self._framed("email", spell(address, self._rng), f"{kind}: {name}", personal=personal)

    def _cards(self) -> Iterator[Case]:
        faker = self._fakers["en_US"]
        for kind in _CARDS:
            digits = faker.credit_card_number(kind)
            while kind == "jcb16" and not "3528" <= digits[:4] <= "3589":
                digits = faker.credit_card_number(kind)  # Faker gives it numbers of no network as well
            yield self._framed("card", self._grouped(digits), f"raw: {kind}", personal=True)
            broken = digits[:-1] + str((int(digits[-1]) + self._rng.randint(1, 9)) % 10)
            yield self._framed("card", self._grouped(broken), "not: check digit", personal=False)
        for kind in _SELDOM_CARDS:
            digits = faker.credit_card_number(kind)
            while kind == "maestro" and not digits.startswith(
                ("5018", "5020", "5038", "56", "57", "58", "6304", "67")
            ):
                digits = faker.credit_card_number(kind)
            yield self._framed("card", f"card {digits}", f"raw: {kind} beside a word", personal=True)
        for kind, value in self._numbers():
            yield self._framed("card", value, kind, personal=False)

    def _grouped(self, digits: str) -> str:
        sign = self._rng.choice(("", "", " ", "-"))
        if len(digits) in (14, 15):
            return sign.join((digits[:4], digits[4:10], digits[10:]))
        return sign.join(digits[at : at + 4] for at in range(0, len(digits), 4))

    def _numbers(self) -> Iterator[tuple[str, str]]:
        rng = self._rng
        yield "not: epoch", str(rng.randrange(1_600_000_000, 1_900_000_000))
        yield "not: epoch ms", str(rng.randrange(1_600_000_000_000, 1_900_000_000_000))
        yield "not: epoch us", str(rng.randrange(1_600_000_000_000_000, 1_900_000_000_000_000))
        yield "not: epoch ns", str(rng.randrange(1_600_000_000_000_000_000, 1_900_000_000_000_000_000))
        yield "not: time", f"2026-11-{rng.randint(1, 28):02d} 0{rng.randrange(9)}:12:{rng.randrange(60):02d}"
        yield "not: order", "".join(rng.choices(DIGITS, k=8))
        yield "not: trace", rng.randbytes(16).hex()
        yield "not: uuid", str(uuid.UUID(int=rng.getrandbits(128), version=4))

    def _ibans(self) -> Iterator[Case]:
        for locale in _IBANS:
            iban = self._fakers[locale].iban()
            sign = self._rng.choice(("", "", " "))
            value = sign.join(iban[at : at + 4] for at in range(0, len(iban), 4))
            value = value.lower() if self._rng.random() < 0.1 else value
            yield self._framed("iban", value, "raw", personal=True)
            broken = f"{iban[:2]}{(int(iban[2:4]) + self._rng.randint(1, 90)) % 97:02d}{iban[4:]}"
            if broken != iban:
                yield self._framed("iban", broken, "not: check digits", personal=False)
        yield self._framed("iban", self._rng.randbytes(12).hex().upper(), "not: hex", personal=False)

    def _phones(self) -> Iterator[Case]:
        for region in _REGIONS:
            number = self._number(region)
            for kind, form in (
                ("E.164", phonenumbers.PhoneNumberFormat.E164),
                ("international", phonenumbers.PhoneNumberFormat.INTERNATIONAL),
            ):
                value = phonenumbers.format_number(number, form)
                yield self._framed("phone", value, f"raw: {kind}", personal=True)
        for kind, value in self._numbers():
            yield self._framed("phone", value, kind, personal=False)
        yield self._framed("phone", f"+{self._rng.randrange(10, 10**5)}", "not: offset", personal=False)
        version = ".".join(str(self._rng.randrange(99)) for _ in range(4))
        yield self._framed("phone", f"build {version}", "not: version", personal=False)

    def _number(self, region: str) -> phonenumbers.PhoneNumber:
        """A number of the plan of a region: that of the plan's example with other last digits."""
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        while True:
            national = str(example.national_number)
            changed = national[:-5] + "".join(self._rng.choices(DIGITS, k=5))
            number = phonenumbers.PhoneNumber(example.country_code, int(changed))
            if phonenumbers.is_valid_number(number):
                return number

    def _addresses(self) -> Iterator[Case]:
        rng = self._rng
        for _ in range(6):
            yield self._framed("ip", str(self._public(4)), "raw: IPv4", personal=True)
            yield self._framed(
                "ip", f"{self._public(4)}:{rng.randrange(1024, 65536)}", "raw: IPv4, port", personal=True
            )
            yield self._framed("ip", str(self._public(6)), "raw: IPv6", personal=True)
        looks_alike: tuple[tuple[str, Callable[[], str]], ...] = (
            (
                "browser",
                lambda: f"Chrome/{rng.randrange(60, 140)}.0.{rng.randrange(9999)}.{rng.randrange(255)}",
            ),
            (
                "version",
                lambda: (
                    f"version {rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(20)}"
                ),
            ),
            ("oid", lambda: f"1.3.6.1.4.1.{rng.randrange(99999)}.{rng.randrange(9)}"),
            ("five parts", lambda: ".".join(str(rng.randrange(256)) for _ in range(5))),
            ("too large", lambda: f"{rng.randrange(300, 999)}.{rng.randrange(300, 999)}.1.1"),
            ("time", lambda: f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"),
            ("scope", lambda: f"std::vector::{rng.choice(('push_back', 'data', 'begin'))}"),
            ("mac", lambda: ":".join(rng.randbytes(1).hex() for _ in range(6))),
        )
        for kind, make in looks_alike:
            yield self._framed("ip", make(), f"not: {kind}", personal=False)

    def _public(self, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        while True:
            address: ipaddress.IPv4Address | ipaddress.IPv6Address
            if version == 4:
                address = ipaddress.IPv4Address(self._rng.getrandbits(32))
            else:
                address = ipaddress.IPv6Address((0x2A00 << 112) | self._rng.getrandbits(112))
            if address.is_global and not address.is_multicast and address.packed[0] > 20:
                return address

    def _national(self) -> Iterator[Case]:
        for name, oracle in ORACLES.items():
            text = filled(oracle.template, self._rng)
            for _ in range(2_000):
                if oracle.valid(text) and not oracle.apart(text):
                    yield Case(
                        name, text, personal=True, kind="raw, in its field", path=FIELDS[name], peers=False
                    )
                    break
                text = filled(oracle.template, self._rng)
            wrong = filled(oracle.template, self._rng)
            if not oracle.valid(wrong) and not oracle.apart(wrong):
                yield Case(name, wrong, personal=False, kind="not: check", path=FIELDS[name], peers=False)


def _company(faker: Faker) -> str:
    """An address at a domain of its own: Faker's companies, without its reserved domains."""
    return f"{faker.user_name()}@{faker.domain_word()}.{faker.tld()}"
