"""What a database's error means for a person: the cure, and whether it may pass by itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cure:
    """One kind of error.

    Attributes:
        sign: what the database's message holds.
        cure: what was wrong and what to do. `{busy}` stands for the seconds a writer waits.
        passes: whether trying again later may help.
    """

    sign: str
    cure: str
    passes: bool = False
