"""The section `alerts`: names, secrets from environment or file, and messages that tell neither."""

from pathlib import Path

import pytest
import yaml

from monitor.alerting import Alarm
from monitor.clock import ManualClock
from monitor.errors import SettingsError
from monitor.setting_kinds import secret_text
from monitor.settings import Settings, load_settings
from monitor.sinks.metrics import Metrics
from monitor.store import open_store

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Of the specification's example."""
LEAST = {"sources": {"kafka": {"bootstrap": "kafka.internal:9092", "topics": "app-logs"}}}
HOOK = {"url": "https://hooks.test/privwatch", "secret_file": "secrets/hook"}


def loaded(folder: Path, alerts: object, env: dict[str, str] | None = None) -> Settings:
    path = folder / "privwatch.yml"
    path.write_text(yaml.safe_dump(LEAST | {"alerts": alerts}))
    return load_settings(path, env or {})


def refused(folder: Path, alerts: object, env: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, alerts, env)
    return str(caught.value).replace(f"{folder}/", "")


def alarm(folder: Path, alerts: object, env: dict[str, str] | None = None) -> Alarm:
    settings = loaded(folder, alerts, env)
    store = open_store(folder / "store.db")
    try:
        return Alarm(settings.alerts, store.outbox(), ManualClock(), Metrics("1").registry)
    finally:
        store.close()


def test_nothing_said_is_nobody_told(tmp_path):
    settings = loaded(tmp_path, {})
    assert settings.alerts.told() == {"page": (), "review": ()}
    alarm(tmp_path, {}).close()


def test_targets_by_tier(tmp_path):
    alerts = {
        "alertmanager": {"a": {"url": "http://am-a:9093"}, "b": {"url": "http://am-b:9093/prefix"}},
        "webhook": {"desk": HOOK | {"tiers": ["review"]}},
        "kafka": {"bus": {"bootstrap": "k:9092", "topic": "violations", "tiers": "page"}},
    }
    settings = loaded(tmp_path, alerts)
    assert settings.alerts.told() == {"page": ("a", "b", "bus"), "review": ("a", "b", "desk")}
    assert settings.alerts.webhook["desk"].secret_file == tmp_path / "secrets" / "hook"


def test_a_secret_from_the_environment(tmp_path):
    env = {"PRIVWATCH__ALERTS__WEBHOOK__DESK__SECRET": SECRET}
    settings = loaded(tmp_path, {"webhook": {"desk": {"url": HOOK["url"]}}}, env)
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()
    secret = settings.alerts.webhook["desk"].secret
    assert secret is not None
    assert secret_text("key", secret, None) == SECRET


def test_a_secret_from_a_file(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "hook").write_text(f"{SECRET}\n")
    alarm(tmp_path, {"webhook": {"desk": HOOK}}).close()


@pytest.mark.parametrize("content", [None, b"", b"geheim-1", b"\xff\xfe", b"geheim-1\nX-Header: y"])
def test_a_secret_that_cannot_be_used_is_named_not_told(tmp_path, content):
    (tmp_path / "secrets").mkdir()
    if content is not None:
        (tmp_path / "secrets" / "hook").write_bytes(content)
    with pytest.raises(SettingsError, match=r"^alerts\.webhook\.desk\.secret") as caught:
        alarm(tmp_path, {"webhook": {"desk": HOOK}})
    assert "geheim" not in str(caught.value)


def test_an_authorization_cannot_smuggle_a_header(tmp_path):
    (tmp_path / "token").write_text("Bearer x\r\nX-Evil: 1")
    with pytest.raises(SettingsError, match="characters that cannot be sent"):
        alarm(tmp_path, {"alertmanager": {"a": {"url": "http://am:9093", "authorization_file": "token"}}})


def test_a_secret_said_twice(tmp_path):
    env = {"PRIVWATCH__ALERTS__WEBHOOK__DESK__SECRET": SECRET}
    with pytest.raises(SettingsError, match="said twice"):
        alarm(tmp_path, {"webhook": {"desk": HOOK}}, env)


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ({"webhok": {}}, "there is no setting 'alerts.webhok'. Did you mean 'webhook'?"),
        (
            {"webhook": {"desk": HOOK | {"secert": "x"}}},
            "Did you mean 'secret'? Known: tiers, ",
        ),
        ({"webhook": {"desk": {"url": "https://a.test"}}}, "needs a secret to sign with"),
        ({"webhook": {"desk": {"secret_file": "x"}}}, "'alerts.webhook.desk.url' is missing"),
        ({"webhook": {"Desk!": HOOK}}, "a target's name has small letters"),
        (
            {"webhook": {"a": HOOK}, "alertmanager": {"a": {"url": "http://a"}}},
            "two targets have the same",
        ),
        ({"alertmanager": {"a": {"url": "am:9093"}}}, "say where to"),
        ({"alertmanager": {"a": {"url": "ftp://am"}}}, "say where to"),
        ({"alertmanager": {"a": {"url": "http://am:99999"}}}, "say where to"),
        ({"alertmanager": {"a": {"url": "http://geheim:geheim@am"}}}, "no name and password in a URL"),
        ({"alertmanager": {"a": {"url": "http://am", "tiers": ["pager"]}}}, "say some of page, review"),
        ({"alertmanager": {"a": {"url": "http://am", "tiers": []}}}, "say some of page, review"),
        ({"kafka": {"a": {"bootstrap": "k", "topic": "t"}}}, "each broker is `host:port`"),
        ({"kafka": {"a": {"bootstrap": "k:1", "topic": "a b"}}}, "alerts.kafka.a.topic"),
        ({"labels": {"level": "x"}}, "is none of alertname, fingerprint, level, rule, tier"),
        ({"labels": {"a-b": "x"}}, "a label has letters, digits"),
        ({"link": "geheim"}, "say where to"),
        ({"burst": 0}, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, alerts, said):
    message = refused(tmp_path, alerts)
    assert said in message
    assert "geheim" not in message
    assert message.startswith("privwatch.yml:")
