"""Cases found by a text are those that have it, in the same order, whichever way the database is asked."""

from contextlib import closing
from dataclasses import replace

import pytest

from monitor.casebook import MOST_COUNTED, Case, Change, Query
from monitor.ledger.entries import Record
from monitor.ledger.signing import Signer
from monitor.model import Part, Turn
from monitor.store import finding, open_store
from tests.support.turns import NOON, event

LEVELS = ("low", "high", "critical")
TEXTS = ("psn_", "psn_1", "psn_11", "/service-2", "field.1", "g", "g3", "nothing", "%", "_", "g\U0010ffff")
RULES = ("rule-1", "rule-2")


def filled(store):
    """Sixty cases of five rules."""
    parts = []
    for n in range(60):
        one = event(
            str(n),
            group=f"g{n}",
            rule=f"rule-{n % 5}",
            level=LEVELS[n % 3],
            actor=f"psn_{n % 13}",
            resource=f"/service-{n % 7}",
            path=f"field.{n % 11}",
            last=NOON + n % 9,
        )
        parts.append(Part("logs-0", one))
    store.write(Turn(parts=tuple(parts)))
    book = store.casebook(Signer(bytes(32)))
    while book.gather(NOON):
        pass
    return book


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    with closing(open_store(tmp_path_factory.mktemp("finding") / "s.db")) as store:
        yield filled(store)


def has(case: Case, query: Query) -> bool:
    begins = (case.key, case.actor, case.resource, case.path)
    return any(one.startswith(query.text) for one in begins) or case.rule in query.rules


def agrees(book, query: Query) -> int:
    """Whether the cases of a query with a text are those among all that have it; returns how many."""
    everything = book.find(replace(query, text="", rules=(), offset=0, limit=1000)).cases
    expected = [one.key for one in everything if has(one, query)]
    found = book.find(query)
    assert [one.key for one in found.cases] == expected[query.offset : query.offset + query.limit]
    assert found.total == min(len(expected), finding.MOST_COUNTED + 1)
    return len(expected)


@pytest.mark.parametrize("sparse", [0, 5, finding.SPARSE])
def test_a_text_finds_the_cases_that_have_it(book, monkeypatch, sparse):
    monkeypatch.setattr(finding, "SPARSE", sparse)
    monkeypatch.setattr(finding, "MOST_COUNTED", max(0, sparse - 1))
    numbers = []
    for text in TEXTS:
        for rules in ((), RULES):
            asked = Query(text=text, rules=rules)
            numbers += [agrees(book, replace(asked, newest_first=newest)) for newest in (False, True)]
            numbers.append(agrees(book, replace(asked, levels=("high",), unsettled=True)))
            numbers.append(agrees(book, replace(asked, since=NOON + 4, until=NOON + 8, rule="rule-3")))
            numbers.append(agrees(book, replace(asked, offset=7, limit=3)))
    assert (min(numbers), max(numbers)) == (0, 60)


def test_of_one_level_the_order_is_the_same(book):
    everything = book.find(Query(limit=1000)).cases
    for level in LEVELS:
        assert book.find(Query(levels=(level,), limit=1000)).cases == tuple(
            one for one in everything if one.level == level
        )


def people_where_asked(book) -> None:
    days = book.days("2026-11-16", "2026-11-17")
    assert {day.subjects for day in days} == {(5,)}
    assert days == book.days("2026-11-16", "2026-11-17", "2026-11-16")
    later = book.days("2026-11-16", "2026-11-17", "2026-11-17")
    assert later == tuple(replace(day, subjects=()) for day in days)


def test_people_are_read_of_the_days_that_ask_for_them(book):
    people_where_asked(book)


def test_what_is_counted_can_be_told_from_few():
    assert finding.SPARSE > MOST_COUNTED


@pytest.mark.postgresql
def test_the_same_holds_in_postgresql(database):
    with closing(open_store(database)) as store:
        book = filled(store)
        people_where_asked(book)
        assert max(agrees(book, Query(text=text, rules=RULES, unsettled=True)) for text in TEXTS) == 60


def test_the_backlog_is_what_is_not_settled(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as store:
        assert (store.backlog().piles, store.backlog().due) == ((), ())
        book = filled(store)
        every = book.find(Query(limit=100)).cases
        first = every[0]
        settled = replace_state(first, "verified", unsettled=False, due=None)
        book.change(settled, NOON)
        book.change(replace_state(every[1], "breach_candidate", unsettled=True, due=NOON + 9), NOON)
        book.change(replace_state(every[2], "breach_candidate", unsettled=True, due=NOON + 3), NOON)
        found = store.backlog()
        assert found.due == (NOON + 3, NOON + 9)
        assert sum(pile.cases for pile in found.piles) == 59
        assert {pile.state: 0 for pile in found.piles}.keys() == {"new", "breach_candidate"}
        for pile in found.piles:
            same = book.find(
                Query(states=(pile.state,), rule=pile.rule, levels=(pile.level,), limit=100)
            ).cases
            assert (len(same), min(one.first for one in same)) == (pile.cases, pile.oldest)


def replace_state(case: Case, state: str, *, unsettled: bool, due: int | None) -> Change:
    record = Record("case.verdict", case.key, "dora", {"state": state})
    return Change(case.key, case.version, state, unsettled, "{}", due, None, record)
