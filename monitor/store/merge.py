"""Merging what several turns and partitions say of one violation. Commutative, associative, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any

from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Violation


def merge(violations: Sequence[Violation]) -> Violation:
    """One violation of several with the same fingerprint; at least one must be given.

    Counts add, times widen, the smallest positions and the smallest subject hashes stay, the largest value
    stays. Words (level, digest, evidence) are those of the violation with the smallest position, so they do
    not depend on the order in which the parts came.
    """
    if len(violations) == 1:
        return violations[0]
    firsts = [violation.first for violation in violations if violation.first is not None]
    lasts = [violation.last for violation in violations if violation.last is not None]
    values = [violation.value for violation in violations if violation.value is not None]
    samples = sorted(set(chain.from_iterable(violation.samples for violation in violations)))
    subjects = sorted(set(chain.from_iterable(violation.subjects for violation in violations)))
    return replace(
        min(violations, key=_precedence),
        count=sum(violation.count for violation in violations),
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        samples=tuple(samples[:MAX_SAMPLES]),
        subjects=tuple(subjects[:MAX_SUBJECTS]),
        value=max(values, default=None),
    )


_words = attrgetter("digest", "level", "status", "actor", "resource", "path", "period")
_reasons = attrgetter("path", "test", "state", "steps", "extract")


def _precedence(violation: Violation) -> tuple[Any, ...]:
    """Orders by the first position; the rest only makes the order total."""
    return (
        not violation.samples,
        violation.samples[:1],
        _words(violation),
        _reasons(violation.evidence),
    )
