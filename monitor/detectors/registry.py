"""Every detector class by its name, which rules, metrics and pages call it by: its detector and its gate."""

from __future__ import annotations

from typing import Final

from monitor.detectors.birth import BIRTH
from monitor.detectors.card import find_card
from monitor.detectors.email import find_email
from monitor.detectors.entry import CONTACT, FINANCIAL, Entry
from monitor.detectors.geo import GEO
from monitor.detectors.iban import find_iban
from monitor.detectors.identifier import Identifier
from monitor.detectors.ids_baltic import BALTIC
from monitor.detectors.ids_central import CENTRAL
from monitor.detectors.ids_german import GERMAN
from monitor.detectors.ids_nordic import NORDIC
from monitor.detectors.ids_other import OTHER
from monitor.detectors.ids_southern import SOUTHERN
from monitor.detectors.ids_western import WESTERN
from monitor.detectors.item import Detector
from monitor.detectors.needles import CARD, EMAIL, IBAN
from monitor.detectors.network import NETWORK
from monitor.detectors.passwords import PASSWORDS
from monitor.detectors.phones import PHONES
from monitor.detectors.secrets_keys import KEYS_AND_TOKENS
from monitor.detectors.security_code import SECURITY_CODE
from monitor.detectors.special import SPECIAL_CATEGORY
from monitor.detectors.travel_document import DOCUMENT

NATIONAL_IDS: Final = (*GERMAN, *WESTERN, *SOUTHERN, *NORDIC, *BALTIC, *CENTRAL)

IDENTIFIERS: Final[dict[str, Identifier]] = {each.name: each for each in (*NATIONAL_IDS, *OTHER)}
"""Classes that are rows of a table."""

BASIC: Final = (
    Entry(
        name="email",
        kind=CONTACT,
        what="e-mail addresses as logs write them, ASCII and international, plain and encoded",
        checked="grammar, top-level domain, surroundings (docs/detectors.md)",
        beware='none known; the bare word "at" is left alone, every sixth ordinary log line holds it',
        detector=find_email,
        gate=EMAIL,
    ),
    Entry(
        name="iban",
        kind=FINANCIAL,
        what="bank account numbers, grouped or not, upper or lower case",
        checked="country, length and structure of the SWIFT registry; MOD 97-10",
        beware="companies have accounts too",
        detector=find_iban,
        gate=IBAN,
        prior=0.01,
    ),
    Entry(
        name="card",
        kind=FINANCIAL,
        what="payment card numbers of 12 to 19 digits, grouped or not",
        checked="issuer range, length of the range, Luhn",
        beware="one in thirty other numbers of 16 digits; lengths that are hardly issued need words",
        detector=find_card,
        gate=CARD,
        prior=0.034,
    ),
)

CATALOGUE: Final[dict[str, Entry]] = {
    each.name: each
    for each in (
        *BASIC,
        *SECURITY_CODE,
        *PHONES,
        *NETWORK,
        *BIRTH,
        *GEO,
        *DOCUMENT,
        *(row.entry for row in IDENTIFIERS.values()),
        *KEYS_AND_TOKENS,
        *PASSWORDS,
        *SPECIAL_CATEGORY,
    )
}
"""Every detector class of this release, by name."""

DETECTORS: Final[dict[str, Detector]] = {name: entry.detector for name, entry in CATALOGUE.items()}

CLASSES: Final = tuple(CATALOGUE)

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "any": ("email", "iban", "card"),
    "national_id": tuple(each.name for each in NATIONAL_IDS),
    "credential": tuple(each.name for each in (*KEYS_AND_TOKENS, *PASSWORDS)),
    "every": tuple(CATALOGUE),
}
"""Words that stand for several classes. `any` is what may be asked of every record of every log: it
stays with the classes whose gates are quick and whose checks need no words. `every` is all of them."""
