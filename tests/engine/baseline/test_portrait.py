"""A portrait says what the rule would: the fewest people that are reported, and not one fewer."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.baseline.habits import compact, habits
from monitor.engine.baseline.portrait import MOST, Portrayer, is_weekend
from monitor.rules.vocabulary import DAILY_SIGNALS, HOURLY_SIGNALS
from tests.pipeline.test_baselines import DAYS, FIRST, archived, period, rule, steady, weeks
from tests.support.windows import KEYRING, MICROS, RULES, Happening, matches

LAST = 20_700 + DAYS - 1


def known(one, events):
    return compact([habits(one, matches(events).placed("p"), KEYRING)])


def group_of(one, who):
    return KEYRING.number(f"group {one.header.id}", [who])


def reading(who, hour, count):
    """So many people who were never read before, far apart from one another."""
    return [
        Happening(
            "p",
            100_000 + each,
            (FIRST + (DAYS - 1) * 86_400 + hour * 3600 + each % 3600) * MICROS,
            who=who,
            amount=f"N{900_000 + 10 * each}",
            table="desk",
            rules=RULES[:1],
        )
        for each in range(count)
    ]


def signals_of(one, events):
    found = [v for v in archived(one, [events]) if v.actor == KEYRING.pseudonym("ada")]
    return {s for v in found if v.period == period(LAST) for s in v.evidence.test.split("+")}


@settings(max_examples=5, deadline=None)
@given(weeks(), st.sampled_from(["burst", "soft", "cap", "day", "novelty", "off_hours"]), st.data())
def test_the_fewest_that_are_reported(events, signal, data):
    hourly = signal in HOURLY_SIGNALS
    one = rule((signal,)) if hourly else replace(rule((signal,)), timespan=86_400)
    before = [e for e in events if e.who != "ada" or e.time < (FIRST + (DAYS - 1) * 86_400) * MICROS]
    hour = data.draw(st.sampled_from([9, 15] if hourly else [23 if signal == "off_hours" else 9]))
    group = group_of(one, "ada")
    portrait = Portrayer(one, known(one, before)).portrait(group, LAST)
    takes = dict(portrait.hours[hour].takes if hourly else portrait.takes)
    assert list(takes) == [signal]
    least = takes[signal]
    if least is None or least > 2000:
        return
    assert signal in signals_of(one, before + reading("ada", hour, least))
    assert signal not in signals_of(one, before + reading("ada", hour, least - 1))


def test_what_is_usual_and_what_broke_it():
    one = rule(("burst", "cap"))
    portrait = Portrayer(one, known(one, steady(17, burst=40))).portrait(group_of(one, "ada"), 20_700 + 16)
    ten, night = portrait.hours[10], portrait.hours[3]
    assert (ten.people, round(ten.norm.usual), round(ten.norm.most), round(ten.norm.peers)) == (40, 2, 2, 2)
    assert dict(ten.takes) == {"burst": 4, "cap": 10}
    assert (night.people, night.norm.most, dict(night.takes)) == (0, 0.0, {"burst": 3, "cap": 10})
    assert (portrait.grown, portrait.peers, portrait.known) == (True, "desk", 14)
    assert [signal for signal, _ in portrait.said] == ["burst", "cap"]
    assert portrait.said[0][1].startswith("40 people in an hour (10:00 UTC)")
    assert portrait.history[-1].people == 40


def test_who_is_new_is_judged_by_peers_and_who_has_none_by_the_floor():
    one = rule(("burst",), floor=6)
    events = [*steady(17), *reading("bo", 9, 1)]
    known_of = known(one, events)
    new = Portrayer(one, known_of).portrait(group_of(one, "bo"), 20_700 + DAYS - 1)
    assert (new.grown, new.peers, new.norm) == (False, "desk", None)
    assert new.hours[9].norm is not None
    alone = replace(one, baseline=replace(one.baseline, peers=""))
    portrait = Portrayer(alone, known(alone, events)).portrait(group_of(alone, "bo"), 20_700 + DAYS - 1)
    assert portrait.hours[9].norm is None
    assert dict(portrait.hours[9].takes) == {"burst": 6}


def test_a_limit_that_is_never_reached_is_none():
    one = rule(DAILY_SIGNALS)
    one = replace(one, baseline=replace(one.baseline, peers="", wait=True))
    portrait = Portrayer(one, known(one, steady(2))).portrait(group_of(one, "ada"), 20_701)
    assert dict(portrait.takes) == dict.fromkeys(DAILY_SIGNALS)
    assert MOST == 10**9


@pytest.mark.parametrize("day", range(20_700, 20_707))
def test_days_of_the_weekend_are_those_of_the_calendar(day):
    weekday = (dt.date(1970, 1, 1) + dt.timedelta(days=day)).weekday()
    assert is_weekend(day) == (weekday >= 5)
