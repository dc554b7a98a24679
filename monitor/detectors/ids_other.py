"""Identifiers of no one country: devices (IMEI), and VAT numbers that are a person's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from monitor.detectors.digits import luhn
from monitor.detectors.entry import NATIONAL, ONLINE
from monitor.detectors.identifier import ALWAYS, NEVER, Identifier
from monitor.detectors.ids_baltic import is_personas_kods
from monitor.detectors.ids_central import is_cnp, is_egn, is_rodne_cislo
from monitor.detectors.ids_nordic import is_personnummer
from monitor.detectors.ids_southern import is_dni, is_nie, is_nif
from monitor.detectors.ids_western import is_bsn, is_pps


def is_imei(digits: str) -> bool:
    """Reporting body, type, serial number, Luhn (3GPP TS 23.003); not all zeros."""
    return digits.strip("0") != "" and luhn(digits)


def _spanish(text: str) -> bool:
    """Residents, foreigners, and K, L, M for children and those abroad."""
    if text[0].isdecimal():
        return is_dni(text)
    return is_nie(text) if text[0] in "XYZ" else is_dni(f"0{text[1:]}")


def _dutch(text: str) -> bool:
    return is_bsn(text[:9]) and text[10:] != "00"


def _swedish(text: str) -> bool:
    return text.endswith("01") and is_personnummer(text[:10])


_BY_COUNTRY: Final[dict[str, Callable[[str], bool]]] = {
    "BG": is_egn,
    "CZ": is_rodne_cislo,
    "ES": _spanish,
    "IE": is_pps,
    "LV": is_personas_kods,
    "NL": _dutch,
    "PT": is_nif,
    "RO": is_cnp,
    "SE": _swedish,
}


def is_persons_vat(text: str) -> bool:
    """The check of the person's national number that the country makes its VAT number of."""
    return _BY_COUNTRY[text[:2]](text[2:])


OTHER: Final = (
    Identifier(
        name="imei",
        what="numbers of mobile devices (IMEI)",
        pattern=r"[0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9]",
        check=is_imei,
        checked="Luhn (3GPP TS 23.003)",
        prior=0.1,
        shapes=("999999999999999",),
        words=(r"imei\w*", r"device[ _-]?id\w*"),
        alone=NEVER,
        beware="one in ten numbers of fifteen digits beside the word",
        kind=ONLINE,
    ),
    Identifier(
        name="eu_vat_person",
        what="VAT numbers that hold a person's national number: Bulgaria, Czechia, Spain, Ireland, Latvia, "
        "the "
        "Netherlands until 2019, Portugal, Romania, Sweden",
        pattern=r"BG[0-9]{10}|CZ[0-9]{9,10}|ES[0-9KLMX-Z][0-9]{7}[A-Z]|IE[0-9]{7}[A-W][ABHWTX]?|LV[0-3][0-9]{10}"
        r"|NL[0-9]{9}B[0-9]{2}|PT[1-4][0-9]{8}|RO[1-9][0-9]{12}|SE[0-9]{10}01",
        check=is_persons_vat,
        checked="the check of that national number; companies' numbers of these countries have another form",
        prior=0.038,
        shapes=(
            "BG9999999999",
            "ES99999999A",
            "IE9999999A",
            "NL999999999B99",
            "PT999999999",
            "RO9999999999999",
        ),
        words=(
            r"vat\w*",
            r"ust\w*",
            r"uid",
            r"btw\w*",
            r"tva",
            r"iva",
            r"dic",
            r"moms\w*",
            r"nif",
            r"tax\w*",
        ),
        alone=ALWAYS,
        beware="other countries' sole traders cannot be told from companies",
        kind=NATIONAL,
    ),
)
