"""A store of an earlier release is brought up to date when it is opened, and holds what it held."""

from contextlib import closing

import pytest

from monitor.model import (
    Checkpoint,
    Episodes,
    FieldSeen,
    Logsource,
    Part,
    Reject,
    Segment,
    Sightings,
    SourceSeen,
    Turn,
)
from monitor.store import open_store
from tests.support import older_store
from tests.support.alerts import alert
from tests.support.turns import NOON, episode, event

FULL = Turn(
    checkpoints=(("logs-0", Checkpoint(8, "p", "head", 9)),),
    parts=(Part("logs-0", event()), Part("logs-1", event("2"))),
    episodes=(Episodes("bulk", "g1", NOON, NOON + 60_000_000, (episode(5),)),),
    segments=(Segment("bulk", "d", "logs-0", 1, 2, 1, b"panes"),),
    rejects=(Reject("logs-0", 3, "not_json", 3, "{.."),),
    reject_counts=(("logs-0", "not_json", 1),),
    event_counts=(("logs-0", "events", 7),),
    alerts=(alert(),),
    sightings=Sightings(("a",), 0, (SourceSeen("logs", Logsource("x"), 3, 4, (FieldSeen("a", 1, 2, 3),)),)),
)
TABLES = {
    "0002": "outbox",
    "0003": "ownership",
    "0004": "source_seen",
    "0005": "key_mark",
    "0006": "ledger",
    "0007": "api_token",
    "0008": "errand",
}
"""What a step brought: a store of before has none."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "older.db"
    return request.getfixturevalue("database")


@pytest.mark.parametrize("revision", older_store.REVISIONS)
def test_it_holds_what_it_held_and_goes_on(store, tmp_path, revision):
    with closing(open_store(tmp_path / "today.db")) as today:
        today.claim(["logs-0"])
        today.keyed("the key's mark")
        today.write(FULL)
        held = list(today.violations()), list(today.rejects()), today.counts(), today.checkpoints()
        segments = today.segments_after(0)
    there = older_store.make(store, revision, tmp_path / "today.db")
    assert {table for step, table in TABLES.items() if step > revision}.isdisjoint(there)
    with closing(open_store(store)) as older:
        assert (list(older.violations()), list(older.rejects()), older.counts(), older.checkpoints()) == held
        assert older.segments_after(0) == segments
        assert older.sightings() == (FULL.sightings.sources if revision >= "0004" else ())
        # Where nobody noted which key it was written with, it is the next one.
        assert older.keyed("the key's mark" if revision >= "0005" else "a mark")
        assert not older.keyed("another mark")
        older.write(FULL)
        assert older.counts()["logs-0", "event", "events"] == 14
    with closing(open_store(store)) as again:
        assert again.checkpoints() == held[3]
