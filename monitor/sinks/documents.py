"""Notices as JSON: the fields that Alertmanager's API v2 gives an alert, and ours beside them."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from monitor.outbox import Notice

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def alert_document(notice: Notice) -> dict[str, Any]:
    """What Alertmanager takes in (OpenAPI of its API v2, `postableAlert`)."""
    told: dict[str, Any] = {
        "labels": dict(notice.labels),
        "annotations": dict(notice.annotations),
        "startsAt": timestamp(notice.starts),
        "endsAt": timestamp(notice.ends),
    }
    return told | ({"generatorURL": notice.link} if notice.link else {})


def notice_document(notice: Notice) -> dict[str, Any]:
    """The same with our own identity of it, for webhooks and topics."""
    return {
        "id": notice.id,
        "status": notice.status,
        "number": notice.number,
        **alert_document(notice),
    }


def timestamp(micros: int) -> str:
    """RFC 3339, UTC, with microseconds."""
    return (_EPOCH + dt.timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
