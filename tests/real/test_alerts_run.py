"""`privwatch run` with alerts, the real process: each arrives through crashes, and names nobody."""

import json
import sqlite3

import pytest
import yaml
from kafka import KafkaConsumer
from standardwebhooks import Webhook

from monitor.clock import SystemClock
from monitor.store.repository import open_store
from tests.real.test_kafka_run import Daemon, settings
from tests.support import receiver as behaviour
from tests.test_taint import access_line, bad_records, event, leaks

pytestmark = [pytest.mark.kafka, pytest.mark.alertmanager]

CLOCK = SystemClock()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Of the specification's example."""


def until(holds, seconds: float = 60) -> None:
    deadline = CLOCK.monotonic() + seconds
    while not holds():
        assert CLOCK.monotonic() < deadline, f"not within {seconds} s"
        CLOCK.sleep(0.2)


def config_of(folder, kafka, topic, alerts, **more):
    config = settings(folder, kafka, topic, **more)
    whole = yaml.safe_load(config.read_text()) | {"alerts": alerts}
    config.write_text(yaml.safe_dump(whole))
    (folder / "secret").write_text(f"{SECRET}\n")
    return config


def lines(count: int) -> list[bytes]:
    return [json.dumps(event(n)).encode() for n in range(count)]


def of_topic(kafka, topic: str, count: int) -> list[tuple[bytes, dict]]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=10_000
    )
    found = []
    for record in consumer:
        found.append((record.key, json.loads(record.value)))
        if len(found) == count:
            break
    consumer.close()
    return found


def alerts_in(folder) -> set[str]:
    """Ids of what the store says was raised."""
    with sqlite3.connect(folder / "store.db") as connection:
        rows = connection.execute("SELECT alert_key, number, tellings FROM alert WHERE held = 0")
        return {f"{key}.{number}.firing.{tellings}" for key, number, tellings in rows}


def test_everybody_is_told_of_everything_and_of_no_person(kafka, alertmanager_server, receiver, tmp_path):
    topic, out = kafka.topic(), kafka.topic()
    alertmanager_server.start()
    alerts = {
        "alertmanager": {"main": {"url": alertmanager_server.url}},
        "webhook": {"hook": {"url": receiver.url, "secret_file": "secret"}},
        "kafka": {"topic": {"bootstrap": kafka.bootstrap, "topic": out}},
        "link": "https://privacy.test/violations/{fingerprint}",
    }
    config = config_of(tmp_path, kafka, topic, alerts)
    records = [*lines(120), *bad_records(), access_line().encode()]
    kafka.produce(topic, records)
    daemon = Daemon(config)
    daemon.wait_for(len(records))
    daemon.catch_up(1)  # read is not yet stored, and only what is stored is to be told of
    until(lambda: len(receiver.posted) >= 10 and len(receiver.posted) == len(alerts_in(tmp_path)))
    wanted = alerts_in(tmp_path)
    until(lambda: len(alertmanager_server.notified()) == len(wanted))
    with daemon.page() as answer:
        metrics = answer.read()
    said = daemon.said
    assert daemon.stop() == 0
    for target in ("main", "hook", "topic"):
        assert (
            f'privwatch_alerts_sent_total{{status="firing",target="{target}"}} {len(wanted)}.0'
            in metrics.decode()
        )
        assert f'privwatch_alerts_waiting{{target="{target}"}} 0.0' in metrics.decode()

    posted = [Webhook(SECRET).verify(one.body, one.headers)["data"] for one in receiver.posted]
    assert {one["id"] for one in posted} == wanted
    told = of_topic(kafka, out, len(wanted))
    assert {one["id"] for _, one in told} == wanted
    assert {key.decode() for key, _ in told} == {one["labels"]["fingerprint"] for one in posted}
    held = {labels["fingerprint"] for _, labels in alertmanager_server.notified()}
    assert held == {one["labels"]["fingerprint"] for one in posted}

    store = open_store(tmp_path / "store.db")
    stored = {one.fingerprint: one for one in store.violations()}
    store.close()
    for one in posted:
        assert 0 < int(one["annotations"]["events"]) <= stored[one["labels"]["fingerprint"]].count

    emitted = [said.encode(), metrics, *(json.dumps(one).encode() for _, one in told)]
    for one in (*receiver.posted, *alertmanager_server.receiver.posted):
        emitted += [one.body, json.dumps(one.headers).encode()]
    emitted += [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert set().union(*map(leaks, emitted)) == set()
    actors = {one.actor for one in stored.values() if one.actor}
    assert actors
    assert not any(actor.encode() in data for actor in actors for data in emitted[1 : 2 + len(told)])
    assert not any(actor.encode() in one.body for actor in actors for one in receiver.posted)


def test_killed_again_and_again_while_the_webhook_fails_every_alert_arrives(kafka, receiver, tmp_path):
    topic = kafka.topic()
    alerts = {"webhook": {"hook": {"url": receiver.url, "secret_file": "secret", "timeout_seconds": 1}}}
    config = config_of(tmp_path, kafka, topic, alerts, batch_records=7)
    receiver.script += [
        behaviour.status(500),
        behaviour.hang,
        behaviour.drop,
        behaviour.garbage,
        behaviour.status(503),
    ]
    records = lines(120)
    for part in range(4):
        kafka.produce(topic, records[part * 30 : part * 30 + 30])
        daemon = Daemon(config)
        CLOCK.sleep(0.6 * part)
        daemon.process.kill()
        daemon.stop()
    daemon = Daemon(config)
    daemon.catch_up(1)

    def arrived() -> bool:
        return alerts_in(tmp_path) <= {one.document["data"]["id"] for one in receiver.posted}

    until(arrived, 90)
    assert daemon.stop() == 0
    ids = [one.headers["webhook-id"] for one in receiver.posted]
    assert set(ids) == alerts_in(tmp_path), "nothing is said that is not in the store"
    assert all(Webhook(SECRET).verify(one.body, one.headers) for one in receiver.posted)


def test_a_webhook_that_hangs_keeps_neither_the_run_nor_the_stop(kafka, receiver, tmp_path):
    topic = kafka.topic()
    receiver.always = behaviour.hang
    alerts = {"webhook": {"hook": {"url": receiver.url, "secret_file": "secret", "timeout_seconds": 120}}}
    config = config_of(tmp_path, kafka, topic, alerts)
    kafka.produce(topic, lines(30))
    daemon = Daemon(config)
    daemon.wait_for(30)
    receiver.wait_for(bool)
    kafka.produce(topic, lines(30))
    daemon.wait_for(60)
    started = CLOCK.monotonic()
    assert daemon.stop() == 0
    assert CLOCK.monotonic() - started < 10
