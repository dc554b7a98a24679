"""The pages that show: the week, the queue, a case, the register, the ledger."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.responses import Response

from monitor.casebook import MOST_COUNTED, Case, Query
from monitor.review import clocks, dismissed, incident, verdicts, weeks
from monitor.review.desk import Dossier
from monitor.review.severity import CIRCUMSTANCES, DPC, EI, LOSS, MALICIOUS
from monitor.review.summary import LEVELS
from monitor.web.visits import Visit

PAGE = 25
"""Cases on a page of the queue."""

ENTRIES = 50
"""Entries on a page of the ledger."""

FACTORS = {
    "dpc": ("Kind of data", {float(value): words for value, words in DPC.items()}),
    "ei": ("Ease of identification", dict(EI)),
    **{name: (f"Loss of {name}", dict(LOSS)) for name in CIRCUMSTANCES},
    "malicious": ("Intent", {0.0: "none known", MALICIOUS: "malicious"}),
}
"""Factors of the severity: label, and the words of each value."""


def start(visit: Visit) -> Response:
    """On to the last week in which something was found."""
    return visit.go(f"/weeks/{visit.desk.latest()}")


def week(visit: Visit) -> Response:
    """The week: how it compares, what is to be decided, which clocks run, what was not looked at."""
    wanted = weeks.week(visit.request.path_params["week"])
    desk = visit.desk
    urgent = desk.book.find(Query(unsettled=True, since=wanted.since, until=wanted.until, limit=8))
    return visit.page(
        "week.html",
        seen=desk.overview(wanted),
        running=wanted >= weeks.week_at(visit.now),
        urgent=desk.lines(urgent.cases, wanted),
        clocks=_clocks(visit),
        states=desk.book.states(),
        settled=verdicts.UNSETTLED,
        coverage=desk.coverage(),
        rules=len(desk.rules.cards),
    )


def _clocks(visit: Visit) -> list[tuple[Case, str, clocks.Deadline]]:
    found = []
    for case in visit.desk.book.due():
        clock = incident.deadline(case)
        if clock is not None:
            found.append((case, visit.desk.rules.card(case.rule).title, clock))
    return found


def queue(visit: Visit) -> Response:
    """Cases, by what was asked for."""
    wanted = _query(visit)
    found = visit.desk.book.find(wanted)
    until = visit.asked("week")
    at = weeks.week(until) if until else visit.desk.latest()
    asked = {name: value for name, value in visit.request.query_params.items() if value and name != "page"}
    page = wanted.offset // PAGE + 1
    return visit.page(
        "queue.html",
        lines=visit.desk.lines(found.cases, at),
        total=found.total,
        most=MOST_COUNTED,
        number=page,
        pages=-(-min(found.total, MOST_COUNTED) // PAGE),
        link=lambda number: "/cases?" + urlencode(asked | {"page": number}),
        asked=asked,
        states=verdicts.LABELS,
        rules=visit.desk.rules.ordered(),
    )


def _query(visit: Visit) -> Query:
    """What the queue's form asks for; nonsense asks for everything."""
    state, level, at, text = (visit.asked(name) for name in ("state", "level", "week", "q"))
    number = visit.asked("page")
    page = min(int(number), MOST_COUNTED // PAGE) if _number(number) else 1
    one = weeks.week(at) if at else None
    return Query(
        states=(state,) if state in verdicts.LABELS else (),
        levels=(level,) if level in LEVELS else (),
        rule=visit.asked("rule"),
        text=text,
        rules=visit.desk.rules.titled(text) if text else (),
        since=one.since if one else None,
        until=one.until if one else None,
        unsettled=state in {"", "open"},
        newest_first=visit.asked("sort") == "newest",
        offset=(max(1, page) - 1) * PAGE,
        limit=PAGE,
    )


def case(visit: Visit) -> Response:
    """One case: why, since when, how often, who decided what; and the forms to decide. The visit is noted."""
    found = _dossier(visit)
    if found is None:
        return _nothing(visit)
    visit.desk.note("evidence.shown", found.case.key, visit.who, {"page": "case"})
    return visit.page(
        "case.html",
        it=found,
        texts=incident.TEXTS,
        factors=FACTORS,
        rule=visit.desk.rules.card,
        four_eyes=verdicts.FOUR_EYES,
        labels=verdicts.LABELS,
    )


def violation(visit: Visit) -> Response:
    """From a violation, as alerts name it, to its case; one that was found just now is taken in first."""
    key = visit.desk.book.key_of(visit.request.path_params["fingerprint"])
    if key is not None and visit.desk.book.case(key) is None:
        visit.desk.catch_up()
    if key is not None and visit.desk.book.case(key) is not None:
        return visit.go(f"/cases/{key}")
    text = "There is no violation of this name here. It may be part of another by now: see the queue."
    return visit.page("message.html", 404, title="No case of it", text=text)


def notification(visit: Visit) -> Response:
    """The draft of a notification, to be read, edited and sent by a person."""
    found = _dossier(visit)
    if found is None:
        return _nothing(visit)
    visit.desk.note("evidence.shown", found.case.key, visit.who, {"page": "notification"})
    return visit.page("notification.html", it=found, draft=_draft(found))


def notification_json(visit: Visit) -> Response:
    """The same for programs."""
    found = _dossier(visit)
    if found is None:
        return _nothing(visit)
    visit.desk.note("evidence.shown", found.case.key, visit.who, {"page": "notification.json"})
    name = f"notification-{found.case.key[:12]}.json"
    return Response(
        json.dumps(_draft(found), indent=2, ensure_ascii=False) + "\n",
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _draft(found: Dossier) -> dict[str, object]:
    card = found.card
    return incident.draft(found.case, card.title, card.articles, ", ".join(card.categories), found.severity)


def register(visit: Visit) -> Response:
    """Every incident, notified or not, with the reasons (Art. 33(5))."""
    return visit.page("register.html", entries=visit.desk.register(), texts=incident.TEXTS)


def filters(visit: Visit) -> Response:
    """Filters that dismissed cases propose, each with what it would have hidden."""
    return visit.page("filters.html", proposals=dismissed.proposals(visit.desk), least=dismissed.LEAST)


def filter_file(visit: Visit) -> Response:
    """One of them as a file; who took it along is noted."""
    wanted = visit.request.path_params["proposal"]
    for one in dismissed.proposals(visit.desk):
        if wanted == f"{one.key}.yml":
            visit.desk.note("filter.taken", one.key, visit.who, {"file": one.name, "hides": len(one.hidden)})
            return Response(
                one.text,
                media_type="application/yaml",
                headers={"content-disposition": f'attachment; filename="{one.name}"'},
            )
    text = "No filter of this name is proposed now."
    return visit.page("message.html", 404, title="No such proposal", text=text)


def ledger(visit: Visit) -> Response:
    """The ledger, newest first."""
    before = visit.asked("before")
    number = int(before) if _number(before) else None
    entries = visit.desk.book.ledger(number, ENTRIES)
    return visit.page(
        "ledger.html",
        entries=[(entry, _told(outline.content) if outline else None) for entry, outline in entries],
        head=visit.desk.book.head(),
        older=entries[-1][0].seq if len(entries) == ENTRIES else None,
    )


def _told(content: dict[str, object]) -> str:
    """What an entry holds, in a line: long lists by their length."""
    said = {
        name: len(value) if isinstance(value, list) else value
        for name, value in content.items()
        if name != "after"
    }
    return ", ".join(f"{name}: {value}" for name, value in said.items())


def _number(text: str) -> bool:
    """Whether it is a number that a database can hold."""
    return text.isascii() and text.isdigit() and len(text) < 16


def _dossier(visit: Visit) -> Dossier | None:
    found = visit.desk.book.case(visit.request.path_params["key"])
    return None if found is None else visit.desk.dossier(found)


def _nothing(visit: Visit) -> Response:
    return visit.page("message.html", 404, title="No such case", text="There is no case with this number.")
