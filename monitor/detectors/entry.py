"""An entry of the catalogue: a detector class with its gate, and what its page says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from monitor.detectors.columns import Columns
from monitor.detectors.gate import Gate
from monitor.detectors.item import Detector

CONTACT: Final = "contact"
FINANCIAL: Final = "financial"
NATIONAL: Final = "national"
ONLINE: Final = "online"
PERSONAL: Final = "personal"
LOCATION: Final = "location"
CREDENTIAL: Final = "credential"
SPECIAL: Final = "special"

WHY: Final = {
    CONTACT: "It says who a person is and how to reach them; a log needs a customer number at most.",
    FINANCIAL: "With it money can be taken; whoever reads the log can read it.",
    NATIONAL: "It names one person for life and opens doors at offices and banks (Art. 87 GDPR).",
    ONLINE: "It follows a device, and with it its owner (recital 30 GDPR; C-582/14 Breyer).",
    PERSONAL: "With a name or a postcode it singles a person out, and identity checks ask for it.",
    LOCATION: "It says where a person is or lives, to a few metres.",
    CREDENTIAL: "Whoever reads the log can act as its owner (Art. 32 GDPR; CWE-532).",
    SPECIAL: "Art. 9 GDPR forbids processing it but for narrow reasons; a log is none.",
}
"""Kind of a class to why it must not stand in a log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One detector class.

    Attributes:
        name: what rules, evidence, metrics and docs call it.
        kind: one of those of `WHY`.
        what: what it finds.
        checked: what makes it sure, and whose rule that is.
        beware: known false positives and what it misses.
        detector: finds its items in a text.
        gate: what must stand in a text before it can.
        prior: share of random texts of its form that pass the check; None where there is no such form.
        columns: the same of many texts at once, for what most lines of a log hold; None: one by one.
        sample: a text it finds, where `monitor.detectors.samples` has none.
    """

    name: str
    kind: str
    what: str
    checked: str
    beware: str
    detector: Detector
    gate: Gate
    prior: float | None = None
    columns: Columns | None = None
    sample: str = ""
