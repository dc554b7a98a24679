"""A replay tells nobody, unless asked; then everybody once, of the newest period, and what could not wait."""

import json

import yaml

from monitor.app import ReplayOptions, replay, shipped_rules
from monitor.settings import AlertsSettings
from tests.support import receiver as behaviour
from tests.support.command import privwatch
from tests.test_taint import event, leaks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Of the specification's example."""


def options(folder, alerts: AlertsSettings | None = None) -> ReplayOptions:
    file = folder / "app.ndjson"
    if not file.exists():
        days = [json.dumps(event(n) | {"@timestamp": f"2026-11-{10 + n % 9}T08:00:00Z"}) for n in range(90)]
        file.write_text("\n".join(days))
    more = {} if alerts is None else {"alerts": alerts}
    return ReplayOptions((str(file),), (shipped_rules(),), folder / "a.db", folder / "a.key", **more)


def hook(receiver) -> AlertsSettings:
    webhook = {"hook": {"url": receiver.url, "secret": SECRET, "timeout_seconds": 1}}
    return AlertsSettings.model_validate_json(json.dumps({"webhook": webhook}))


def test_not_asked_it_tells_nobody(receiver, tmp_path):
    assert replay(options(tmp_path)).untold == 0
    replay(options(tmp_path, hook(receiver)))
    # Files read before are not read again. Episodes are worked out over all of them whenever a replay ends.
    told = {one.document["data"]["annotations"]["period"] for one in receiver.posted}
    assert all("T" in period for period in told)


def test_asked_it_tells_once_of_the_newest_day(receiver, tmp_path):
    report = replay(options(tmp_path, hook(receiver)))
    assert report.untold == 0
    told = [one.document["data"] for one in receiver.posted]
    assert len({one["id"] for one in told}) == len(told) > 5
    days = {one["annotations"]["period"] for one in told if len(one["annotations"]["period"]) == 10}
    assert days == {"2026-11-18"}
    assert set().union(*(leaks(one.body) for one in receiver.posted)) == set()
    replay(options(tmp_path, hook(receiver)))
    assert len(receiver.posted) == len(told)


def test_what_a_target_does_not_take_in_waits_for_the_next_time(receiver, tmp_path):
    receiver.always = behaviour.status(503)
    calls = iter(range(10**9))
    stopped = replay(options(tmp_path, hook(receiver)), stop=lambda: next(calls) > 0)
    assert stopped.untold > 5
    receiver.always = behaviour.status(200)
    again = replay(options(tmp_path, hook(receiver)))
    assert again.untold == 0


def test_the_command(receiver, tmp_path):
    options(tmp_path)
    (tmp_path / "secret").write_text(SECRET)
    config = {
        "sources": {"kafka": {"bootstrap": "127.0.0.1:1", "topics": ["unused"]}},
        "alerts": {"webhook": {"hook": {"url": receiver.url, "secret_file": "secret"}}},
    }
    (tmp_path / "privwatch.yml").write_text(yaml.safe_dump(config))
    done = privwatch("replay", "app.ndjson", "--alerts", "privwatch.yml", folder=tmp_path)
    assert done.code == 1, done.err
    assert len(receiver.posted) > 5
