"""Alerts to one Alertmanager, by its API v2. Of a cluster every member is a target, as Prometheus does it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from monitor.outbox import ANSWERED, TAKEN, Manner, Notice, Outcome
from monitor.sinks.documents import alert_document
from monitor.sinks.post import Http

BATCH: Final = 100
"""Alerts in one request."""
_REFUSED: Final = Outcome(f"{ANSWERED}400").reason


class AlertmanagerTarget:
    """Implements `monitor.outbox.Target`.

    Args:
        manner: its name and how often it is told again; the batch is ours.
        url: where Alertmanager answers, with its route prefix where it has one.
        ca: file of certificates to trust in place of the system's.
        headers: sent with each request, for example `Authorization`.
    """

    def __init__(
        self, manner: Manner, url: str, ca: Path | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.manner = replace(manner, batch=BATCH)
        self._http = Http(f"{url.rstrip('/')}/api/v2/alerts", manner.patience, ca, headers)

    def send(self, notices: Sequence[Notice], now: int) -> Sequence[Outcome]:  # noqa: ARG002 - the port's
        """All in one request; where one of them is refused each goes alone, so that it holds up no other."""
        outcome = self._post(notices)
        if outcome.reason == _REFUSED and len(notices) > 1:
            return [self._post([notice]) for notice in notices]
        return [outcome] * len(notices)

    def _post(self, notices: Sequence[Notice]) -> Outcome:
        if not notices:
            return TAKEN
        return self._http.post(json.dumps([alert_document(notice) for notice in notices]).encode())

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()
