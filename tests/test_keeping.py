"""The daemon keeps the ledger between turns: it seals what it found, and removes daily what is too old."""

from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry

from monitor import keeping
from monitor.clock import ManualClock
from monitor.errors import StoreAwayError, StoreError
from monitor.review import retention
from monitor.sections import RetentionSettings
from monitor.settings import load_settings
from monitor.store import keyfile, open_store
from tests.support.review import DAY, NOW, SIGNER, found, turn

DAILY = RetentionSettings(daily=True)
LEAST = "sources: {kafka: {bootstrap: [localhost:9092], topics: [logs]}}\nstore: s.db\n"


@pytest.fixture
def store(tmp_path):
    with closing(open_store(tmp_path / "s.db")) as made:
        yield made


def kept(store, clock: ManualClock, policy=DAILY, **told) -> keeping.Keeper:
    return keeping.Keeper(store.casebook(SIGNER), policy, 300.0, clock, **told)


def rounds(keeper: keeping.Keeper, number: int = 30) -> None:
    for _ in range(number):
        keeper.between()


def test_what_was_found_is_sealed_at_once_and_then_on_schedule(store, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    clock, sealed = ManualClock(NOW), []
    keeper, book = kept(store, clock, RetentionSettings(), sealed=sealed.append), store.casebook(SIGNER)
    store.write(turn(*(found(f"{n:032x}") for n in range(5))))
    keeper.between()
    assert book.waiting() == 3, "one step at a time"
    rounds(keeper)
    assert (book.waiting(), sum(sealed)) == (0, 5)
    store.write(turn(found("ff" * 16)))
    rounds(keeper)
    assert book.waiting() == 1, "not before its time"
    clock.sleep(300)
    rounds(keeper)
    assert (book.waiting(), list(book.verify(SIGNER.public))) == (0, [])


def test_once_a_day_what_is_too_old_goes(store):
    clock, gone = ManualClock(NOW), []
    keeper = kept(store, clock, removed=lambda *one: gone.append(one))
    store.write(turn(found("aa" * 16), found("bb" * 16, day=1)))
    rounds(keeper)
    assert gone == []
    clock.micros += 350 * DAY
    rounds(keeper)
    assert gone == [(retention.OPEN, 1)]
    clock.micros += 20 * DAY
    rounds(keeper)
    assert gone == [(retention.OPEN, 1)] * 2
    assert list(store.violations()) == []
    assert list(store.casebook(SIGNER).verify(SIGNER.public)) == []


def test_without_being_asked_nothing_goes(store):
    clock, gone = ManualClock(NOW + 5000 * DAY), []
    store.write(turn(found("aa" * 16)))
    rounds(kept(store, clock, RetentionSettings(), removed=lambda *one: gone.append(one)))
    assert (gone, len(list(store.violations()))) == ([], 1)


def test_a_store_that_is_away_is_tried_again_and_one_that_refuses_is_let_be(store, caplog):
    class Away:
        """A store that cannot be reached, then refuses."""

        error: Exception = StoreAwayError("store s: no answer")
        asked = 0

        def gather(self, *_: object) -> int:
            self.asked += 1
            raise self.error

    clock, book = ManualClock(NOW), Away()
    keeper = keeping.Keeper(book, DAILY, 300.0, clock)
    rounds(keeper)
    assert (book.asked, "the ledger waits: store s: no answer" in caplog.text) == (1, True)
    book.error = StoreError("another key")
    clock.sleep(keeping.RETRY_SECONDS)
    rounds(keeper)
    clock.sleep(10_000)
    rounds(keeper)
    assert (book.asked, "until the next start: another key" in caplog.text) == (2, True)


def made(tmp_path, store, said: str):
    """What `run` would call between turns, under these settings."""
    file = tmp_path / "privwatch.yml"
    file.write_text(LEAST + said, encoding="utf-8")
    registry = CollectorRegistry()
    between = keeping.keeper(load_settings(file, {}), store, ManualClock(NOW), registry)
    for _ in range(5):
        between()
    return registry.get_sample_value("privwatch_ledger_sealed_total")


def test_it_keeps_the_ledger_where_there_is_a_key_or_somebody_asks(tmp_path, store):
    store.write(turn(found("aa" * 16)))
    assert made(tmp_path, store, "") is None, "nobody asked, and nobody reviews"
    assert made(tmp_path, store, "ledger: {key: mine.key, seal_seconds: 0}\n") == 0
    assert made(tmp_path, store, "ledger: {key: mine.key}\n") == 1
    assert (tmp_path / "mine.key").stat().st_mode & 0o777 == 0o600
    beside = tmp_path / "privwatch.ledger.key"
    beside.write_bytes((tmp_path / "mine.key").read_bytes())
    beside.chmod(0o600)
    assert made(tmp_path, store, "") == 0, "all is sealed"


def test_another_key_is_refused_at_the_start(tmp_path, store):
    store.write(turn(found("aa" * 16)))
    made(tmp_path, store, "ledger: {key: mine.key}\n")
    keyfile.load_key(tmp_path / "other.key")
    with pytest.raises(StoreError, match=r"restore the key .*name its file in ledger\.key"):
        made(tmp_path, store, "ledger: {key: other.key}\n")
    with pytest.raises(StoreError, match="there is no key"):
        made(tmp_path, store, "retention: {daily: true}\n")


def test_what_goes_is_counted(tmp_path, store):
    store.write(turn(found("aa" * 16)))
    assert made(tmp_path, store, "retention: {daily: true}\n") == 1
    assert set(retention.LABELS) == set(keeping.KeepingMetrics.KINDS)
