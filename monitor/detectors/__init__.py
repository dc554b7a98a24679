"""Recognisers of personal data and of the state it is protected in."""

from monitor.detectors.catalogue import FOUND, JUDGED, SHIPPED, Catalogue, classify, find, prefilter
from monitor.detectors.prefilter import Prefilter
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
    "SHIPPED",
    "STATES",
    "Catalogue",
    "Prefilter",
    "classify",
    "find",
    "prefilter",
]
