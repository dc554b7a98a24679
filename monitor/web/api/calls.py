"""A call: one request of a program that may make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.casebook import Account, ApiToken
from monitor.review.desk import Desk


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        path: parts of the address by name.
        query: parameters, of the type its endpoint names.
        body: what was sent, of the type its endpoint names; None where it takes nothing.
        now: microseconds UTC.
    """

    desk: Desk
    account: Account
    token: ApiToken
    path: Mapping[str, str]
    query: Any
    body: Any
    now: int

    @property
    def who(self) -> str:
        """In whose name."""
        return self.account.name

    @property
    def through(self) -> dict[str, str]:
        """What the ledger is told besides."""
        return {"token": self.token.id}

    def note_evidence(self, key: str, page: str) -> None:
        """Write down that evidence was shown."""
        self.desk.note("evidence.shown", key, self.who, {"page": page, **self.through})
