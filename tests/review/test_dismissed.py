"""Filters proposed from false positives: run through the engine, each hides exactly what its preview says."""

import json
from itertools import product
from pathlib import Path

import pytest

from monitor import reviewing
from monitor.casebook import Query
from monitor.clock import ManualClock
from monitor.model import FILTERED
from monitor.review import deciding, dismissed, verdicts
from monitor.review.verdicts import Decision
from tests.support.command import privwatch

RULES = """\
title: "E-mail in a message: {rule}"
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c10
name: mail
status: stable
level: high
logsource: {category: application}
detection: {mail: {message|pii: email}, more: {url.original|pii: email}, condition: 1 of *}
x_privacy: {articles: ["5(1)(c)"], actor: user.name, resource: service.name}
x_tests:
    - {name: a, expect: match, events: [{set: {message: to ada.wellenbrook@nordwind-shop.de}}]}
    - {name: b, expect: no_match, events: [{set: {message: hello}}]}
---
title: Card number in a message
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c11
name: card
status: stable
level: critical
logsource: {category: application}
detection: {card: {message|pii: card}, condition: card}
x_privacy: {articles: ["32"], actor: user.name, resource: service.name}
x_tests:
    - {name: a, expect: match, events: [{set: {message: 4111 1111 1111 1111}}]}
    - {name: b, expect: no_match, events: [{set: {message: hello}}]}
"""
SYSTEMS = (
    "billing",
    "Billing",
    "billing-2",
    "billing/x",
    "billing#a b",
    "billing?",
    "billing?#c",
    "bill.ng",
    "b" * 130,
)
SAME = {"billing", "billing#a b", "billing?", "billing?#c"}
"""Systems that are shown as `billing`."""
KEY = "00" * 32


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    (folder / "key").write_text(KEY, encoding="utf-8")
    (folder / "key").chmod(0o600)
    text = "to ada.wellenbrook@nordwind-shop.de with 4111 1111 1111 1111"
    lines = [
        {
            "@timestamp": f"2026-11-16T09:{n % 60:02}:00Z",
            "message": text,
            "url.original": "/?to=ada.wellenbrook%40nordwind-shop.de" if n % 2 else "/",
            "service.name": system,
            "user.name": user,
        }
        for n, (user, system) in enumerate(product(("u1", "u2", "u3", "u4"), SYSTEMS))
    ]
    lines += [{"message": text, "user.name": "u1"}]
    (folder / "app.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return folder


def replayed(folder: Path, store: str, *rules: str) -> dict[tuple, str]:
    """What a violation is of (a hidden one has another fingerprint) to its status."""
    named = [word for rule in ("rules.yml", *rules) for word in ("--rules", rule)]
    done = privwatch(
        "replay", "app.ndjson", *named, "--key", "key", "--store", store, "-o", "json", folder=folder
    )
    assert done.code == 1, done.err
    found = json.loads(done.out)
    what = ("rule", "actor", "resource", "field", "period", "events")
    said = {(*(one[name] for name in what), one["samples"][0]["offset"]): one["status"] for one in found}
    assert len(said) == len(found)
    return said


@pytest.fixture(scope="module")
def desk(logs):
    replayed(logs, "first.db")
    where = reviewing.Where(str(logs / "first.db"), "replay", (logs / "rules.yml",))
    with reviewing.desk(where, ManualClock(1_795_510_800_000_000)) as (made, _):
        yield made


def of(desk, rule: str, **more):
    card = next(one for one in desk.rules.cards.values() if one.name == rule)
    return desk.book.find(Query(rule=card.id, limit=500, **more)).cases


def decide(desk, case, state: str) -> None:
    """One proposes, another confirms, where it takes two."""
    said = Decision(state, "ada", 'ours: "x"\n}, condition: 1 of *')
    deciding.changed(
        desk, case.key, str(case.version), lambda one: deciding.verdict(desk, one, said, desk.now())
    )
    if state in verdicts.FOUR_EYES:
        after = desk.book.case(case.key)
        deciding.changed(
            desk, case.key, str(after.version), lambda one: verdicts.confirm(one, "bela", desk.now())
        )


def test_it_hides_exactly_what_its_preview_says(desk, logs):
    assert dismissed.proposals(desk) == ()
    mine = [one for one in of(desk, "mail", resource="billing") if one.path == "message"]
    others = of(desk, "mail", resource="billing-2")
    for case in (*mine[:2], *others[:2]):
        decide(desk, case, "false_positive")
    assert dismissed.proposals(desk) == (), "two are not enough, nor those of two systems"
    decide(desk, mine[2], "false_positive")
    decide(desk, mine[3], "confirmed")
    (one,) = dismissed.proposals(desk)
    hidden = {
        (v.rule, v.actor, v.resource, v.path, v.period, v.count, v.samples[0].offset)
        for case in one.hidden
        for v in desk.book.occurrences(case, 500)
    }
    assert {case.key for case in one.dismissed} == {case.key for case in mine[:3]}
    assert (one.confirmed, one.open) == (1, len(one.hidden) - 4)
    assert one.open > 0
    assert one.samples[0].key == mine[3].key, "what speaks against it comes first"
    assert dict(one.shared) == {"field": "message", "found by": "email"}
    (logs / one.name).write_text(one.text, encoding="utf-8")
    with_it = replayed(logs, "second.db", one.name)
    assert {name for name, status in with_it.items() if status == FILTERED} == hidden
    assert with_it.keys() == replayed(logs, "third.db").keys(), "what is hidden is kept"
    assert dismissed.proposals(desk) == (one,), "the same each time"
    checked = privwatch("check", "rules.yml", one.name, folder=logs)
    assert checked.code == 0, checked.out


def test_the_preview_counts_the_events_that_are_hidden(desk):
    (one,) = dismissed.proposals(desk)
    assert {case.resource for case in one.hidden} == {"billing"}
    in_message = len(SAME) * 4
    assert sum(case.events for case in one.hidden if case.path == "message") == in_message
    assert one.events == sum(case.events for case in one.hidden)


def test_what_is_not_told_in_full_is_not_asked_for(desk):
    cut = [one for one in of(desk, "card") if "…" in one.resource or one.resource == ""]
    assert len(cut) >= 4
    for case in cut:
        decide(desk, case, "false_positive")
    assert [one.system for one in dismissed.proposals(desk)] == ["billing"]


def test_the_command_writes_them_and_applies_none(desk, logs):
    done = privwatch("filters", "--store", "first.db", "--rules", "rules.yml", "-o", "proposed", folder=logs)
    (one,) = dismissed.proposals(desk)
    assert done.code == 0, done.err
    assert done.out.startswith(f"{one.name}: E-mail in a message")
    assert done.out.endswith("1 CONFIRMED\n")
    assert (logs / "proposed" / one.name).read_text(encoding="utf-8") == one.text
    entry, payload = desk.book.history(one.key)[-1]
    assert (entry.kind, entry.who, payload.content["file"]) == ("filter.taken", "privwatch filters", one.name)
    none = privwatch("filters", "--store", "third.db", "--rules", "rules.yml", folder=logs)
    assert "no filter is proposed" in none.out
