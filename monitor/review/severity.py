"""Severity of a personal data breach: SE = DPC x EI + CB.

Source: ENISA, Recommendations for a methodology of the assessment of severity of data breaches, 2013.
DPC is the context of the data, EI the ease of identification, CB the circumstances of the breach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DPC = {1: "simple", 2: "behavioural", 3: "financial", 4: "sensitive"}
EI = {0.25: "negligible", 0.5: "limited", 0.75: "significant", 1.0: "maximum"}
LOSS = {0.0: "none", 0.25: "to known recipients, or recoverable", 0.5: "to unknown recipients, or for good"}
CIRCUMSTANCES = ("confidentiality", "integrity", "availability")
MALICIOUS = 0.5
MANY = 100
"""More people than this is a flag of its own."""

_CONTEXT = {
    "contact": 1,
    "employment": 1,
    "identification": 1,
    "transport": 1,
    "bulk": 2,
    "location": 2,
    "financial": 3,
    "credentials": 3,
    "health": 4,
    "special": 4,
}
"""Categories of the rules (`x_privacy.categories`) to the context they begin at."""

_EASE = {"identification": 1.0, "contact": 0.75, "credentials": 0.75, "financial": 0.75, "health": 0.5}
_UNINTELLIGIBLE = frozenset({"encrypted"})
"""Protection states that leave nothing to read for whoever has no key (Art. 34(3)(a))."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor: its value, and where it comes from.

    `source` is `rule`, `evidence`, `default` or the account that set it; `reason` is theirs.
    """

    value: float
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Severity:
    """Factors by name: `dpc`, `ei`, `confidentiality`, `integrity`, `availability`, `malicious`."""

    factors: Mapping[str, Factor]
    people: int
    unintelligible: bool

    @property
    def score(self) -> float:
        """SE, exact to the quarter steps it is made of."""
        value = {name: factor.value for name, factor in self.factors.items()}
        circumstances = sum(value[name] for name in (*CIRCUMSTANCES, "malicious"))
        return value["dpc"] * value["ei"] + circumstances

    @property
    def level(self) -> str:
        """`low`, `medium`, `high` or `very high`."""
        bounds = ((2, "low"), (3, "medium"), (4, "high"))
        return next((name for bound, name in bounds if self.score < bound), "very high")

    @property
    def flags(self) -> tuple[str, ...]:
        """What the method has noted beside the score."""
        many = (f"more than {MANY} people",) if self.people > MANY else ()
        return (*many, "data unintelligible") if self.unintelligible else many


def allowed(name: str) -> tuple[float, ...]:
    """Values that a factor may have."""
    if name == "dpc":
        return tuple(map(float, DPC))
    if name == "ei":
        return tuple(EI)
    return (0.0, MALICIOUS) if name == "malicious" else tuple(LOSS)


NAMES = ("dpc", "ei", *CIRCUMSTANCES, "malicious")


def prefilled(categories: Iterable[str], state: str, people: int) -> Severity:
    """What rule and evidence say by themselves.

    Args:
        categories: of the rule.
        state: protection state of the evidence, empty where no detector looked.
        people: distinct data subjects, an estimate.
    """
    said = [one for one in categories if one in _CONTEXT]
    context = max((_CONTEXT[one] for one in said), default=1)
    ease = max((_EASE[one] for one in said if one in _EASE), default=0.5)
    hidden = state in _UNINTELLIGIBLE
    factors = {
        "dpc": Factor(float(context), "rule" if said else "default"),
        "ei": Factor(0.25, "evidence") if hidden else Factor(ease, "rule" if said else "default"),
        # A log that colleagues read: known recipients, until somebody says otherwise.
        "confidentiality": Factor(0.25, "default"),
        "integrity": Factor(0.0, "default"),
        "availability": Factor(0.0, "default"),
        "malicious": Factor(0.0, "default"),
    }
    return Severity(factors, people, hidden)


def with_overrides(severity: Severity, overrides: Mapping[str, Mapping[str, object]]) -> Severity:
    """The same with what people set, each `{value, by, reason}`."""
    factors = dict(severity.factors)
    for name, said in overrides.items():
        factors[name] = Factor(float(str(said["value"])), str(said["by"]), str(said["reason"]))
    return Severity(factors, severity.people, severity.unintelligible)
