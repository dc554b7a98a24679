"""What is kept for how long: the page that says it, and the forms that put a case on hold."""

from __future__ import annotations

from starlette.responses import Response

from monitor.review import retention
from monitor.web.decisions import made
from monitor.web.visits import Visit

AHEAD = 7
"""Days that the page looks ahead."""


def page(visit: Visit) -> Response:
    """How long each kind is kept, what is too old now, and what will be within a week."""
    desk = visit.desk
    now = retention.due(desk.book, desk.retention, visit.now, payloads=False)
    soon = retention.due(desk.book, desk.retention, visit.now + AHEAD * retention.DAY, payloads=False)
    return visit.page(
        "retention.html",
        lines=list(zip(now, soon, strict=True)),
        policy=desk.retention,
        labels=retention.LABELS,
        ahead=AHEAD,
        payloads=retention.first_kept(desk.retention, retention.PAYLOADS, visit.now),
    )


def hold(visit: Visit) -> Response:
    """Keep the case whatever its age."""
    return made(visit, lambda case: retention.hold(case, visit.who, visit.form.get("reason", "")))


def release(visit: Visit) -> Response:
    """End that."""
    return made(visit, lambda case: retention.release(case, visit.who, visit.form.get("reason", "")))
