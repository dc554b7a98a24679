"""python-stdnum as the oracle: per class it knows, how to make numbers, and where we differ on purpose."""

import re
from collections.abc import Callable
from datetime import date
from random import Random
from typing import NamedTuple

from stdnum.at import vnr
from stdnum.be import ssn as be_ssn
from stdnum.bg import egn
from stdnum.ch import ssn as ch_ssn
from stdnum.cy import vat as cy_vat
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.is_ import kennitala
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import emso
from stdnum.us import itin, ssn

DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Oracle(NamedTuple):
    """What python-stdnum says of a class.

    `template`: 9 a digit, A a letter, {y} {m} {d} of a day, [abc] one of these, anything else itself.
    `vary`: positions whose characters make up the check. `apart`: where the two differ on purpose.
    """

    valid: Callable[[str], bool]
    template: str
    vary: tuple[int, ...] = (-1,)
    apart: Callable[[str], bool] = lambda _: False


def filled(template: str, rng: Random) -> str:
    day = {"{y}": rng.randrange(100), "{m}": rng.randint(1, 12), "{d}": rng.randint(1, 31)}
    parts = re.findall(r"\{\w\}|\[[^\]]+\]|.", template)
    return "".join(_part(part, day, rng) for part in parts)


def _part(part: str, day: dict[str, int], rng: Random) -> str:
    if part in day:
        return f"{day[part]:02d}"
    if part[0] == "[":
        return rng.choice(part[1:-1])
    return rng.choice({"9": DIGITS, "A": LETTERS}.get(part, part))


def no_day(text: str) -> bool:
    """The characters are no day DDMMYY of 1900 or 2000."""
    try:
        date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return True
    return False


def odd_rodne_cislo(text: str) -> bool:
    """Months python-stdnum lets pass, and twenty added before 2004."""
    year, month = int(text[:2]), int(text[2:4]) % 50
    return not (1 <= month <= 12 or (21 <= month <= 32 and 4 <= year < 54)) or len(text) != 10


def repeated_digit(rng: Random) -> str:
    """Ten digits of which one is there twice or thrice."""
    digits = rng.sample(DIGITS, 10)
    times = rng.choice((1, 2))
    for place in rng.sample(range(1, 10), times):
        digits[place] = digits[0]
    rng.shuffle(digits)
    return "".join(digits)


ORACLES = {
    "de_steuer_id": Oracle(idnr.is_valid, "99999999999"),
    # It leaves the date out.
    "at_svnr": Oracle(vnr.is_valid, "9999{d}{m}{y}", (3,), lambda t: no_day(t[4:])),
    "ch_ahv": Oracle(ch_ssn.is_valid, "7569999999999"),
    # It takes any first digit and any month.
    "fr_nir": Oracle(
        nir.is_valid,
        "[12]99{m}9999999999",
        (-2, -1),
        lambda t: not re.match("[1-478]..(0[1-9]|1[0-2]|20|[3-9])", t) or "43" <= t[3:5] < "50",
    ),
    # It reads the clock: until when a number may be one of the 2000s.
    "be_rrn": Oracle(
        be_ssn.is_valid, "{y}{m}{d}99999", (-2, -1), lambda t: "26" <= t[:2] <= "31" or t[4:6] > "31"
    ),
    "nl_bsn": Oracle(bsn.is_valid, "999999999"),
    "ie_pps": Oracle(pps.is_valid, "9999999A[ABHWTX]", (7,)),
    "uk_nhs": Oracle(nhs.is_valid, "9999999999", (-1,), lambda t: not t.strip("0")),
    "us_ssn": Oracle(ssn.is_valid, "999999999"),
    "us_itin": Oracle(itin.is_valid, "999999999", (0,)),
    "it_codice_fiscale": Oracle(codicefiscale.is_valid, "AAAAAA99[ABCDEHLMPRST][0123456]9A999A"),
    "es_dni": Oracle(dni.is_valid, "99999999A"),
    "es_nie": Oracle(nie.is_valid, "[XYZ]9999999A"),
    # Companies have one too.
    "pt_nif": Oracle(nif.is_valid, "[123]99999999", (-1,), lambda t: not re.match("[123]|45", t)),
    "gr_amka": Oracle(amka.is_valid, "{d}{m}{y}99999"),
    # Companies have one too.
    "cy_tic": Oracle(cy_vat.is_valid, "[09]9999999A", (-1,), lambda t: t[0] not in "09"),
    # It does not know coordination numbers.
    "se_personnummer": Oracle(personnummer.is_valid, "{y}{m}{d}9999", (-1,), lambda t: t[4:6] > "31"),
    "fi_hetu": Oracle(hetu.is_valid, "{d}{m}{y}[-ABCDEFUVWXY]999A"),
    # It reads the clock, and knows hospitals' numbers.
    "no_fnr": Oracle(
        fodselsnummer.is_valid,
        "{d}{m}{y}99999",
        (-2, -1),
        lambda t: t[2:4] > "12" or ("26" <= t[4:6] < "40" and t[6] >= "5"),
    ),
    # It reads the clock.
    "dk_cpr": Oracle(cpr.is_valid, "{d}{m}{y}9999", (-1,), lambda t: "26" <= t[4:6] < "58" and t[6] >= "4"),
    # Companies have one too.
    "is_kennitala": Oracle(kennitala.is_valid, "{d}{m}{y}999[09]", (-2,), lambda t: t[0] > "3"),
    "ee_isikukood": Oracle(ik.is_valid, "[123456]{y}{m}{d}9999", (-1,), lambda t: t[0] in "78"),
    "lt_asmens_kodas": Oracle(asmens.is_valid, "[123456]{y}{m}{d}9999", (-1,), lambda t: t[0] in "789"),
    # Companies have one too; it takes births up to the year 2799.
    "lv_personas_kods": Oracle(
        pvn.is_valid, "{d}{m}{y}[012]9999", (-1,), lambda t: t[0] > "3" or (t[6] > "2" and t[:2] != "32")
    ),
    # It takes births up to the year 2299.
    "pl_pesel": Oracle(pesel.is_valid, "{y}{m}{d}99999", (-1,), lambda t: "40" <= t[2:4] < "80"),
    "cz_sk_rodne_cislo": Oracle(rc.is_valid, "{y}{m}{d}9999", (-1,), odd_rodne_cislo),
    # It takes births up to the year 2799.
    "si_emso": Oracle(emso.is_valid, "{d}{m}9{y}999999", (-1,), lambda t: "100" <= t[4:7] < "850"),
    "hr_oib": Oracle(oib.is_valid, "99999999999"),
    "ro_cnp": Oracle(cnp.is_valid, "[123456]{y}{m}{d}[01234]99999"),
    "bg_egn": Oracle(egn.is_valid, "{y}{m}{d}9999"),
}
