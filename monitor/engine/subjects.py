"""How many distinct data subjects: exact while few, an estimate from the smallest hashes when many.

Source: Bar-Yossef et al., Counting Distinct Elements in a Data Stream, 2002 (k minimum values). The standard
error is 1/sqrt(k - 2), 3.1 % for k = 1024.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import MAX_SUBJECTS

HASH_SPACE = 2**63
"""Subject hashes are uniform below this."""

ERROR = (MAX_SUBJECTS - 2) ** -0.5
"""Standard error of an estimate, as a share of it."""


def distinct(hashes: Sequence[int]) -> int:
    """The number of subjects behind the ascending smallest hashes of a violation."""
    if len(hashes) < MAX_SUBJECTS:
        return len(hashes)
    return round((len(hashes) - 1) * HASH_SPACE / hashes[-1])


def exact(hashes: Sequence[int]) -> bool:
    """Whether `distinct` is a count rather than an estimate."""
    return len(hashes) < MAX_SUBJECTS
