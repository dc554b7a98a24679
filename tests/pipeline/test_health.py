"""Alive while the loop turns, ready while every check holds."""

from monitor.clock import ManualClock
from monitor.errors import StoreError
from monitor.pipeline.health import Health


def built(**checks) -> tuple[Health, ManualClock]:
    clock = ManualClock()
    health = Health(clock, 60, "1.2.3")
    for name, answer in checks.items():
        health.check(name, lambda answer=answer: answer)
    return health, clock


def test_before_the_first_turn_it_lives_and_is_not_ready():
    health, clock = built(rules=(True, "29 rules"))
    clock.sleep(1000)
    assert health.healthy() == (True, {"version": "1.2.3", "last_turn": "starting"})
    assert health.ready() == (False, {"version": "1.2.3", "rules": "29 rules"})


def test_a_loop_that_has_not_turned_for_long_is_dead():
    health, clock = built()
    health.beat()
    clock.sleep(60)
    assert health.healthy() == (True, {"version": "1.2.3", "last_turn": "60.0 s ago"})
    assert health.ready()[0]
    clock.sleep(1)
    assert not health.healthy()[0]
    assert not health.ready()[0]
    health.beat()
    assert health.healthy()[0]


def test_ready_only_while_every_check_holds():
    health, _ = built(rules=(True, "29 rules"), source=(False, "0 partitions assigned"))
    health.beat()
    assert health.ready() == (
        False,
        {"version": "1.2.3", "rules": "29 rules", "source": "0 partitions assigned"},
    )


def test_a_check_that_raises_is_a_no_and_its_words_stay_inside():
    health, _ = built()

    def broken():
        raise StoreError("store postgresql://geheim: down")

    health.check("store", broken)
    health.beat()
    assert health.ready() == (False, {"version": "1.2.3", "store": "cannot be asked (StoreError)"})


def test_who_asks_often_does_not_reach_the_store_as_often():
    health, clock = built()
    asked = []
    health.check("store", lambda: (bool(not asked.append(1)), "reachable"))
    health.beat()
    for _ in range(100):
        assert health.ready()[0]
    assert len(asked) == 1
    clock.sleep(1)
    health.ready()
    assert len(asked) == 2
