"""Alerts, rules and targets made by hand."""

from collections.abc import Sequence

from monitor.model import Alert
from monitor.outbox import TAKEN, Manner, Notice, Outcome

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOON = 1_794_830_400 * SECOND
"""2026-11-16T12:00:00Z."""
FACTS = (
    '{"name": "email_in_url", "title": "E-mail address in a URL", "articles": "5(1)(c), 25",'
    ' "violation": {"violation": "f1", "period": "2026-11-16", "events": "3", "people": "2",'
    ' "first_seen": "2026-11-16T11:00:00Z", "last_seen": "2026-11-16T11:58:00Z",'
    ' "field": "url.original", "found": "email raw", "resource": "/customers/{…}"}}'
)


def alert(key: str = "k1", violation: str = "f1", at: int = NOON, **changes) -> Alert:
    """An alert of a day's violation, open until midnight, realert an hour."""
    words = {
        "rule": "rule-a",
        "level": "high",
        "tier": "page",
        "facts": FACTS,
        "starts": NOON - HOUR,
        "ends": NOON + 12 * HOUR,
        "newest": at,
        "realert": HOUR,
        "burst": 100,
        "targets": ("pager",),
    }
    return Alert(key=key, violation=violation, at=at, **(words | changes))


class MemoryTarget:
    """Remembers what it was told, and answers as it is told: the next of `outcomes`, then with success."""

    def __init__(self, resend: float = 0.0, batch: int = 1) -> None:
        self.manner = Manner("pager", resend, batch)
        self.told: list[Notice] = []
        self.outcomes: list[Outcome] = []
        self.always = TAKEN

    def send(self, notices: Sequence[Notice], now: int) -> Sequence[Outcome]:
        self.told += notices
        return [self.outcomes.pop(0) if self.outcomes else self.always for _ in notices]

    def close(self) -> None:
        pass
