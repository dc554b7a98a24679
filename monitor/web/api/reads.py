"""What programs may read."""

from __future__ import annotations

import json
from threading import Lock

from starlette.responses import Response

from monitor.casebook import Query
from monitor.ledger.exports import SUFFIX
from monitor.review import deciding, dismissed, incident, weeks
from monitor.review.desk import Dossier
from monitor.web import reports
from monitor.web.api import asked, shapes, told
from monitor.web.api.calls import Call
from monitor.web.api.problems import BusyError, MissingError
from monitor.web.permissions import SCOPES, allowed

SHOWN_FAULTS = 100
_PROVING = Lock()


def me(call: Call) -> told.Me:
    """Who asks."""
    may = allowed(call.account.role, call.token.scopes)
    return told.Me(
        account=call.who,
        role=call.account.role,
        token=call.token.id,
        label=call.token.label,
        scopes=call.token.scopes,
        allowed=tuple(one for one in call.token.scopes if SCOPES.get(one) in may),
        expires=shapes.at(call.token.expires),
    )


def _week(call: Call) -> weeks.Week:
    text = call.path["week"]
    return call.desk.latest() if text == "latest" else weeks.week(text)


def week(call: Call) -> told.Week:
    """A week."""
    return shapes.week(call.desk, call.desk.overview(_week(call)), call.now)


def cases(call: Call) -> told.Queue:
    """The queue."""
    wanted: asked.Cases = call.query
    week = weeks.week(wanted.week) if wanted.week else None
    found = call.desk.book.find(
        Query(
            states=() if wanted.state in {"open", "all"} else (wanted.state,),
            levels=(wanted.level,) if wanted.level else (),
            rule=wanted.rule or "",
            text=wanted.q or "",
            rules=call.desk.rules.titled(wanted.q) if wanted.q else (),
            since=week.since if week else None,
            until=week.until if week else None,
            unsettled=wanted.state == "open",
            newest_first=wanted.sort == "newest",
            after=asked.place(wanted.cursor) if wanted.cursor else None,
            limit=wanted.limit + 1,
        )
    )
    shown = found.cases[: wanted.limit]
    last = shown[-1] if len(found.cases) > wanted.limit else None
    return told.Queue(
        cases=tuple(map(shapes.line, call.desk.lines(shown, week or call.desk.latest()))),
        total=found.total,
        next=asked.cursor(last.level, last.last, last.key) if last else None,
    )


def case(call: Call) -> told.Case:
    """One case; the look at its evidence is noted."""
    found = _dossier(call)
    call.note_evidence(found.case.key, "api case")
    (line,) = call.desk.lines([found.case], call.desk.latest())
    return shapes.case(line, found, call.now)


def _dossier(call: Call) -> Dossier:
    return call.desk.dossier(deciding.found(call.desk, call.path["key"]))


def violation(call: Call) -> told.Belongs:
    """From a violation, as alerts name it, to its case; one that was found just now is taken in first."""
    key = call.desk.book.key_of(call.path["fingerprint"])
    if key is not None and call.desk.book.case(key) is None:
        call.desk.catch_up()
    if key is None or call.desk.book.case(key) is None:
        raise MissingError("There is no violation of this name; it may be part of another by now.")
    return told.Belongs(case=key)


def filters(call: Call) -> told.Proposals:
    """Filters that dismissed cases propose, each with what it would have hidden."""
    found = dismissed.proposals(call.desk)
    return told.Proposals(filters=tuple(map(shapes.proposal, found)))


def running(call: Call) -> told.Clocks:
    """Every clock that runs."""
    found = []
    for case in call.desk.book.due():
        deadline = incident.deadline(case)
        if deadline is not None:
            title = call.desk.rules.card(case.rule).title
            found.append(shapes.clock(case, title, deadline, call.now))
    return told.Clocks(clocks=tuple(found))


def register(call: Call) -> told.Incidents:
    """The register."""
    return told.Incidents(incidents=tuple(shapes.incident(one, call.now) for one in call.desk.register()))


def notification(call: Call) -> Response:
    """The draft of a notification; the look at the case is noted."""
    found = _dossier(call)
    call.note_evidence(found.case.key, "api notification")
    card = found.card
    draft = incident.draft(found.case, card.title, card.articles, ", ".join(card.categories), found.severity)
    return Response(json.dumps(draft), media_type="application/json")


def entries(call: Call) -> told.Entries:
    """The ledger, newest first."""
    wanted: asked.Entries = call.query
    found = call.desk.book.whole(wanted.before, wanted.limit)
    more = bool(found) and found[-1][0].seq > 1
    return told.Entries(
        entries=tuple(shapes.entry(one, payload) for one, payload in found),
        next=found[-1][0].seq if more else None,
    )


def head(call: Call) -> told.Head:
    """The ledger's end."""
    return shapes.head(call.desk)


def proof(call: Call) -> told.Proof:
    """Everything looked at, one look at a time: it reads the whole store."""
    if not _PROVING.acquire(blocking=False):
        raise BusyError("The store is being looked at already.", 30)
    try:
        ends = shapes.head(call.desk)
        found = list(call.desk.book.verify(call.desk.book.public_key))
    finally:
        _PROVING.release()
    faults = tuple(told.Fault(where=one.where, what=one.what) for one in found[:SHOWN_FAULTS])
    return told.Proof(holds=not found, faults=faults, head=ends)


def report(call: Call) -> Response:
    """The report of a week, or the signature of one, as a file; who took it along is noted."""
    week, form = _week(call), call.path["format"].removesuffix(SUFFIX)
    if form not in reports.FORMATS:
        raise MissingError(f"There is no such format; there are {', '.join(reports.FORMATS)}.")
    made = reports.export(call.desk, week, form, call.who, call.through)
    signature = call.path["format"] != form
    content, kind = (
        (made.signature, "application/json") if signature else (made.content, reports.FORMATS[form][0])
    )
    name = made.name + SUFFIX if signature else made.name
    return Response(
        content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'}
    )
