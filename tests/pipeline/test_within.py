"""A question that hangs keeps nobody who asks."""

from threading import Event, active_count

import pytest

from monitor.errors import StoreAwayError, StoreError
from monitor.pipeline.within import Within, aside


def test_the_answer_is_that_of_the_moment():
    answers = iter([1, 2])
    asked = Within(lambda: next(answers))
    assert [asked(), asked()] == [1, 2]


def test_what_asking_raises_is_raised():
    def broken() -> int:
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        Within(broken)()


def test_what_hangs_is_asked_once_and_waited_for_no_longer():
    answer, threads = Event(), active_count()
    asked = Within(lambda: answer.wait(60), seconds=0.05)
    for _ in range(5):
        with pytest.raises(StoreAwayError, match=r"has not answered within 0\.05 s"):
            asked()
    assert active_count() == threads + 1
    answer.set()
    assert asked() is True


def test_whatever_goes_wrong_ends_the_wait():
    """As what polars raises where it panics, which is no Exception."""

    def panic():
        raise BaseException("panic")

    with pytest.raises(BaseException, match="panic"):
        aside(panic, "test").result(10)
