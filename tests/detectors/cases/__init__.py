"""Labelled cases of the detectors: one row each, named after the form in docs/detectors.md. All made up."""

from typing import NamedTuple


class Case(NamedTuple):
    """A text and what the detector must say: the states found, and the decodings that uncovered the first."""

    name: str
    text: str
    states: tuple[str, ...] = ("raw",)
    steps: str = ""
    path: str = ""
