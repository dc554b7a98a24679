"""The demo's month of review: what made-up people decided on made-up logs, for pages with something to see.

Each week is replayed on its own, and taken in and looked at on the Monday after it, so that ledger and clocks
read as they would after a month of use. What happens is told by `monitor.demo.month`.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monitor import app, demo, reviewing
from monitor.casebook import Case, Change, Query
from monitor.clock import ManualClock
from monitor.demo import month
from monitor.demo.month import Act
from monitor.errors import SettingsError
from monitor.review import clocks, incident, verdicts
from monitor.review.desk import Desk
from monitor.review.weeks import week_at
from monitor.web import reports
from monitor.web.administration import kept

MINUTE = clocks.HOUR // 60
BETWEEN = 3 * MINUTE
"""From one decision to the next."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What was made.

    Attributes:
        store: of the review.
        reports: folder of the weeks' reports.
        cases, unsettled: how many there are, and with how many somebody has still something to do.
        password: of every account.
        weeks: the first and the last, as `2026-W44`.
    """

    store: Path
    reports: Path
    cases: int
    unsettled: int
    password: str
    weeks: tuple[str, str]


def rehearse(
    folder: Path,
    tables: Path,
    now: int,
    seed: int = 1,
    *,
    events_per_day: int = month.EVENTS_PER_DAY,
    say: Callable[[str], None] = lambda _: None,
) -> Rehearsal:
    """Make up the four whole weeks before `now`, and the review of them; what was there before goes.

    Args:
        folder: for logs, store and keys.
        tables: what rules look up, as `demo.write_tables` writes it.
        now: microseconds UTC; nothing is done later than that.
        seed: of the logs.
        events_per_day: ordinary ones, beside what is planted.
        say: told what is being made.

    Raises:
        PrivwatchError: the folder cannot be used.
    """
    store, password = folder / "review.db", secrets.token_hex(8)
    try:
        for end in ("", "-wal", "-shm"):
            store.with_name(store.name + end).unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{store}: cannot be made anew ({error.strerror}); name another --folder"
        ) from error
    rules, clock = (app.shipped_rules(), tables), ManualClock(now)
    here = reviewing.Where(str(store), "replay", rules)
    first = week_at(now).moved(-month.WEEKS)
    with ExitStack() as stack:
        desk: Desk | None = None
        for number in range(month.WEEKS):
            week, logs = first.moved(number), folder / "month" / str(first.moved(number))
            say(f"making up the week {week} and its review")
            # Nine o'clock on the Monday after it; where that is still to come, some hours ago.
            clock.micros = min(week.until + 9 * clocks.HOUR, now - 4 * clocks.HOUR)
            demo.generate(
                logs,
                seed=seed + number,
                start=week.monday,
                events_per_day=events_per_day,
                planted=month.planted(number),
            )
            app.replay(app.ReplayOptions((str(logs),), rules, store, store.with_suffix(".key")), clock=clock)
            if desk is None:
                desk, _ = stack.enter_context(reviewing.desk(here, clock))
                _accounts(desk, password)
            desk.catch_up()
            _Monday(desk, clock, now).work(number)
            made = reports.export(desk, week, "html", month.DPO)
            reviewing.written(made, folder / "reports")
        found = desk.book.find(Query(limit=1)).total if desk else 0
        todo = desk.book.find(Query(limit=1, unsettled=True)).total if desk else 0
    ends = (str(first), str(first.moved(month.WEEKS - 1)))
    return Rehearsal(store, folder / "reports", found, todo, password, ends)


def _accounts(desk: Desk, password: str) -> None:
    for name, role in month.ACCOUNTS.items():
        desk.book.keep_account(*kept(name, role, password, None, "privwatch demo"), desk.now())


@dataclass
class _Monday:
    """What is done on a Monday and in the days after it."""

    desk: Desk
    clock: ManualClock
    now: int

    def work(self, monday: int) -> None:
        """Do it, decision by decision."""
        begun, rules = self.clock.micros, {card.name: card.id for card in self.desk.rules.cards.values()}
        for rule, act in month.acts(monday):
            earliest = begun + act.after * clocks.HOUR
            if act.ago:
                earliest = self.now - act.ago * clocks.HOUR
            self.clock.micros = min(max(self.clock.micros, earliest) + BETWEEN, self.now - MINUTE)
            for case in self.desk.book.find(Query(rule=rules[rule], limit=100)).cases:
                self._act(case.key, act)

    def _act(self, key: str, act: Act) -> None:
        at = self.clock.now()
        self._change(key, partial(self._changed, act=act, at=at))
        if act.do in verdicts.FOUR_EYES and not act.alone:
            self._change(key, lambda case: verdicts.confirm(case, month.DPO, at))

    def _change(self, key: str, change: Callable[[Case], Change]) -> None:
        case = self.desk.book.case(key)
        if case is not None:
            self.desk.change(change(case))

    def _changed(self, case: Case, act: Act, at: int) -> Change:
        match act.do:
            case month.AWARE:
                return incident.aware(case, act.by, at - 2 * clocks.HOUR, act.words, at)
            case month.VENDOR:
                return incident.assessed(case, act.by, "confidentiality", 0.5, act.words)
            case month.TEXTS:
                return incident.documented(case, act.by, {**act.texts, "decision": act.words})
            case month.TOLD:
                return incident.notified(case, act.by, at, act.words, at)
        accepted = act.do == verdicts.ACCEPTED
        until: dt.date | None = clocks.moment(self.now).date() + dt.timedelta(days=90) if accepted else None
        owner = "the head of the department" if accepted else ""
        said = verdicts.Decision(act.do, act.by, act.words, owner=owner, until=until)
        return verdicts.decide(case, said, at)
