"""The forms of a case: each makes one change, from the case as whoever decides saw it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from starlette.responses import Response

from monitor.casebook import Case, Change
from monitor.review import clocks, deciding, incident, verdicts
from monitor.review.deciding import NoCaseError
from monitor.review.verdicts import DecisionError
from monitor.web.visits import Visit


def verdict(visit: Visit) -> Response:
    """A verdict, or the proposal of one that takes two."""
    form = visit.form

    def decided(case: Case) -> Change:
        decision = verdicts.Decision(
            state=form.get("state", ""),
            by=visit.who,
            reason=form.get("reason", ""),
            owner=form.get("owner", ""),
            until=_day(form.get("until", "")),
            other=form.get("other", "").strip(),
        )
        return deciding.verdict(visit.desk, case, decision, visit.now)

    return made(visit, decided)


def confirm(visit: Visit) -> Response:
    """The second person agrees."""
    return made(visit, lambda case: verdicts.confirm(case, visit.who, visit.now))


def decline(visit: Visit) -> Response:
    """The second person does not, or the first takes it back."""
    return made(visit, lambda case: verdicts.decline(case, visit.who, visit.form.get("reason", "")))


def aware(visit: Visit) -> Response:
    """When it became known; the 72 hours run from then."""
    at, reason = visit.form.get("at", ""), visit.form.get("reason", "")
    return made(visit, lambda case: incident.aware(case, visit.who, _moment(at), reason, visit.now))


def notified(visit: Visit) -> Response:
    """The authority was told."""
    at, reference = visit.form.get("at", ""), visit.form.get("reference", "")
    return made(visit, lambda case: incident.notified(case, visit.who, _moment(at), reference, visit.now))


def severity(visit: Visit) -> Response:
    """A factor of the severity, set by a person."""
    name, reason = visit.form.get("factor", ""), visit.form.get("reason", "")
    try:
        value = float(visit.form.get("value", ""))
    except ValueError:
        raise DecisionError("choose a value of the factor") from None
    return made(visit, lambda case: incident.assessed(case, visit.who, name, value, reason))


def register(visit: Visit) -> Response:
    """Texts of the register."""
    texts = {name: visit.form[name] for name in incident.TEXTS if name in visit.form}
    return made(visit, lambda case: incident.documented(case, visit.who, texts))


def made(visit: Visit, change: Callable[[Case], Change]) -> Response:
    """Change the case that was seen."""
    key, version = visit.request.path_params["key"], visit.form.get("version", "")
    try:
        deciding.changed(visit.desk, key, version, change)
    except NoCaseError as error:
        return visit.page("message.html", 404, title="No such case", text=str(error))
    return visit.go(f"/cases/{key}")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _moment(text: str) -> int:
    """A time of a form, UTC where it says no zone."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise DecisionError("that is no time; write it as 2026-11-23T09:30") from None
    return clocks.micros(at if at.tzinfo else at.replace(tzinfo=dt.UTC))
