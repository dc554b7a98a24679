"""An errand is taken by one instance at a time, and done once."""

from contextlib import closing

import pytest

from monitor.store import open_store

SECOND = 10**6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "store.db"
    return request.getfixturevalue("database")


def test_one_of_two_instances_has_it_until_its_time_is_over(place):
    with closing(open_store(place)) as first, closing(open_store(place)) as second:
        ours, theirs = first.errands(), second.errands()
        assert ours.take("report", 10 * SECOND, 20 * SECOND) == 1
        assert theirs.take("report", 11 * SECOND, 21 * SECOND) is None
        assert theirs.take("another", 11 * SECOND, 21 * SECOND) == 1, "each by its name"
        assert theirs.take("report", 20 * SECOND, 30 * SECOND) == 2, "who had it has died"
        theirs.again("report", 60 * SECOND)
        assert ours.take("report", 59 * SECOND, 99 * SECOND) is None
        assert ours.take("report", 60 * SECOND, 99 * SECOND) == 3
        ours.done("report", 61 * SECOND)
        assert theirs.take("report", 200 * SECOND, 300 * SECOND) is None


def test_namespaces_do_not_share_them(place):
    with closing(open_store(place)) as first, closing(open_store(place, "other")) as second:
        assert first.errands().take("report", 1, 2) == 1
        assert second.errands().take("report", 1, 2) == 1
