"""Recognisers of personal data and of the state it is protected in."""

from monitor.detectors.catalogue import FOUND, JUDGED, classify, find
from monitor.detectors.prefilter import Prefilter, prefilter
from monitor.detectors.registry import CLASSES, GROUPS
from monitor.detectors.states import HASHED_WEAK, NOT_PERSONAL, PLAINTEXT_STATES, PROTECTED_STATES, STATES

__all__ = [
    "CLASSES",
    "FOUND",
    "GROUPS",
    "HASHED_WEAK",
    "JUDGED",
    "NOT_PERSONAL",
    "PLAINTEXT_STATES",
    "PROTECTED_STATES",
    "STATES",
    "Prefilter",
    "classify",
    "find",
    "prefilter",
]
