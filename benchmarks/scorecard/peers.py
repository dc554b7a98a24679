"""Presidio's pattern recognisers and scrubadub, each asked of one text at a time, as their users do."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable
from typing import Final

SHARED: Final = ("email", "card", "iban", "phone", "ip")
"""Classes that Presidio has as well; the rates are compared on these."""

Ask = Callable[[str], set[str]]
"""A text to the classes found in it."""

_ENTITIES: Final = {
    "EMAIL_ADDRESS": "email", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "PHONE_NUMBER": "phone",
    "IP_ADDRESS": "ip", "US_SSN": "us_ssn", "MAC_ADDRESS": "mac",
}  # fmt: skip
_FILTH: Final = {
    "email": "email",
    "credit_card": "card",
    "phone": "phone",
    "social_security_number": "us_ssn",
}
_SURE: Final = 0.35
"""Presidio's own default threshold is 0; what it is less sure of than this it gives for any run of digits."""


def presidio() -> Ask:
    """The recognisers called directly: no language model, so no names, and words around count for nothing."""
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    those = importlib.import_module("presidio_analyzer.predefined_recognizers")

    recognizers = [
        those.EmailRecognizer(),
        those.CreditCardRecognizer(),
        those.IbanRecognizer(),
        those.PhoneRecognizer(),
        those.IpRecognizer(),
    ]

    def ask(text: str) -> set[str]:
        found = set()
        for recognizer in recognizers:
            for result in recognizer.analyze(text, recognizer.supported_entities, nlp_artifacts=None) or ():
                if result.score >= _SURE and result.entity_type in _ENTITIES:
                    found.add(_ENTITIES[result.entity_type])
        return found

    return ask


def scrubadub() -> Ask:
    """Its default detectors."""
    scrubber = importlib.import_module("scrubadub").Scrubber()

    def ask(text: str) -> set[str]:
        return {_FILTH[f.detector_name] for f in scrubber.iter_filth(text) if f.detector_name in _FILTH}

    return ask
