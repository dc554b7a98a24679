"""The model agrees with the oracle, whoever reads what, and however the reads are cut up."""

from dataclasses import replace
from random import Random

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.engine.baseline.facts import READS, facts
from monitor.engine.baseline.judge import Judge
from monitor.engine.baseline.model import Model
from monitor.engine.baseline.norms import hour_norms
from monitor.engine.baseline.signals import SIGNALS
from tests.support.baselines import NearError, Oracle, Read

# Small enough that every signal is reached by a few dozen reads.
SMALL = Model(
    history=14,
    min_history=4,
    enough=2,
    least=4,
    soft_least=3,
    night_least=4,
    steps=3,
    drip_days=6,
    week_least=5,
    new_least=3,
    cap=9,
)
DAYS = 20
FIRST = 20_700
ROLES = ("", "agent", "clerk")


@st.composite
def histories(draw):
    """Some groups with habits, and a few hours in which they do more; written out by a seed, as people
    repeat."""
    rng = Random(draw(st.integers(0, 2**32)))
    reads = []
    for group in range(draw(st.integers(1, 4))):
        role, rate = rng.choice(ROLES), draw(st.integers(0, 4))
        hours = rng.sample(range(24), 3)
        for day in range(rng.randrange(3), DAYS):
            if rng.random() < 0.2:
                continue
            busy = draw(st.sampled_from((0, 0, 0, 0, 6, 14)))
            for hour in hours:
                count = rng.randint(0, rate) + (busy if hour == hours[0] else 0)
                begin = rng.randrange(200)
                for each in range(count):
                    subject = begin + each if busy else rng.randrange(30)
                    reads.append(Read(group, (FIRST + day) * 24 + hour, subject, subject, role))
    return reads


def frame(reads):
    rows = [(r.group, r.hour, r.subject, r.number, 1, r.peer) for r in reads]
    return pl.DataFrame(rows, schema=READS, orient="row")


WAITING = replace(SMALL, wait=True)


def judged(reads, days, signals=tuple(SIGNALS), model=SMALL):
    found = Judge(model).verdicts(facts(frame(reads), model.history), days, signals)
    return set(found.select("group", "day", "hour", "signal").iter_rows())


@settings(max_examples=20, deadline=None)
@given(histories(), st.sampled_from((SMALL, WAITING)), st.sampled_from((3, DAYS - 4)))
def test_verdicts_are_those_of_plain_loops(reads, model, first):
    days = range(FIRST + first, FIRST + first + 4)
    oracle = Oracle(reads, model)
    try:
        wanted = set().union(*(oracle.verdicts(day) for day in days))
    except NearError:
        assume(False)
    assert judged(reads, days, model=model) == wanted


def test_the_histories_reach_every_signal():
    """So that the test above says something of each."""
    reached = set()

    @settings(max_examples=60, deadline=None, database=None)
    @given(histories())
    def look(reads):
        reached.update(signal for *_, signal in judged(reads, range(FIRST + 6, FIRST + DAYS)))

    look()
    assert reached == set(SIGNALS)


@settings(max_examples=8, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(reads, rng):
    days = range(FIRST + DAYS - 3, FIRST + DAYS)
    again = [*reads, *(rng.choices(reads, k=5) if reads else [])]
    rng.shuffle(again)
    assert judged(again, days) == judged(reads, days)


@settings(max_examples=8, deadline=None)
@given(histories())
def test_a_day_knows_nothing_of_what_follows(reads):
    day = FIRST + DAYS - 4
    until = [r for r in reads if r.hour < (day + 1) * 24]
    assert judged(until, [day]) == judged(reads, [day])


def test_the_norm_of_the_last_hour_knows_nothing_of_the_first():
    """Yesterday at eleven in the evening lies next to today at midnight, which is what is to be judged."""
    before = [Read(0, (FIRST + day) * 24 + 23, who, who, "agent") for day in range(6) for who in (1, 2)]
    today = [Read(0, (FIRST + 6) * 24, who, who, "agent") for who in range(90)]
    norms = [hour_norms(facts(frame(r), SMALL.history), FIRST + 6, SMALL) for r in (before, before + today)]
    assert norms[0].own.equals(norms[1].own)
    assert norms[0].peers.equals(norms[1].peers)


@settings(max_examples=8, deadline=None)
@given(histories())
def test_what_lies_beyond_the_reach_is_of_no_account(reads):
    day = FIRST + DAYS - 1
    model = Model(**{**_fields(SMALL), "history": 14, "drip_days": 3})
    near = [r for r in reads if r.hour >= (day - model.reach - model.history) * 24]
    assert judged(near, [day], model=model) == judged(reads, [day], model=model)


def _fields(model):
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_is_the_same_alone(signal):
    rng = Random(5)
    reads = [
        Read(0, (FIRST + day) * 24 + 9, each if day < 12 else 1000 + each, 1000 + each, "agent")
        for day in range(DAYS)
        for each in range(2 if day < 12 else rng.choice((2, 12)))
    ]
    days = range(FIRST + 10, FIRST + DAYS)
    together = {one for one in judged(reads, days) if one[3] == signal}
    assert judged(reads, days, signals=(signal,)) == together
