"""How brokers are reached: what the settings take, what they refuse, and what nobody may see."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from monitor.app import check_settings
from monitor.broker_settings import brokers_of
from monitor.brokers.access import Brokers, Sasl, Tls
from monitor.brokers.tokens import TokenFile
from monitor.clock import ManualClock
from monitor.effective import as_yaml
from monitor.errors import SettingsError
from monitor.kafka_settings import KafkaSettings
from monitor.settings import load_settings, read_settings
from tests.support.certificates import authority

CLOCK = ManualClock()
BEARER = {"mechanism": "OAUTHBEARER", "token_url": "https://idp.internal/token", "client_id": "privwatch"}


def loaded(tmp_path: Path, env: dict[str, str] | None = None, **kafka) -> KafkaSettings:
    path = tmp_path / "privwatch.yml"
    source = {"bootstrap": "kafka.internal:9092", "topics": "logs"} | kafka
    path.write_text(yaml.safe_dump({"sources": {"kafka": source}}))
    return load_settings(path, env or {}).sources.kafka


def reached(tmp_path: Path, env: dict[str, str] | None = None, **kafka) -> Brokers:
    return brokers_of("sources.kafka", loaded(tmp_path, env, **kafka), CLOCK)


def test_in_clear_where_nothing_is_said(tmp_path):
    found = reached(tmp_path)
    assert found == Brokers(("kafka.internal:9092",))
    assert (found.protocol, str(found)) == ("PLAINTEXT", "kafka kafka.internal:9092")


def test_tls_is_on_as_soon_as_a_file_is_named(tmp_path):
    files = authority(tmp_path, "tls")
    found = reached(tmp_path, tls={"ca": "tls/ca.pem"})
    assert (found.protocol, found.tls) == ("SSL", Tls(files.ca))
    assert reached(tmp_path, tls={"enabled": True}).tls == Tls()
    whole = reached(
        tmp_path,
        tls={"ca": "tls/ca.pem", "cert": "tls/client.pem", "key": "tls/client.key", "check_hostname": False},
    )
    assert whole.tls == Tls(files.ca, files.client, files.client_key, check_hostname=False)


def test_secrets_come_from_a_file_or_the_environment(tmp_path):
    (tmp_path / "secret").write_text("from-a-file\n")
    sasl = {"mechanism": "SCRAM-SHA-512", "user": "privwatch"}
    found = reached(tmp_path, sasl={**sasl, "password_file": "secret"})
    assert found.sasl == Sasl("SCRAM-SHA-512", "privwatch", "from-a-file")
    assert found.protocol == "SASL_PLAINTEXT", "a SCRAM exchange does not show the password"
    env = {"PRIVWATCH__SOURCES__KAFKA__SASL__PASSWORD": "from-the-environment"}
    assert reached(tmp_path, env, sasl=sasl).sasl == Sasl(
        "SCRAM-SHA-512", "privwatch", "from-the-environment"
    )
    assert "from-" not in repr(found)


def test_no_output_shows_a_secret(tmp_path):
    tls = {"enabled": True, "key_password": "geheim-1"}
    sasl = {"mechanism": "PLAIN", "user": "privwatch", "password": "geheim-2"}
    source = {"bootstrap": "kafka.internal:9092", "topics": "logs", "tls": tls, "sasl": sasl}
    alerts = {"kafka": {"soc": {"bootstrap": "k:9092", "topic": "alerts", "tls": {"enabled": True}}}}
    alerts["kafka"]["soc"]["sasl"] = {**BEARER, "client_secret": "geheim-3"}
    path = tmp_path / "privwatch.yml"
    path.write_text(yaml.safe_dump({"sources": {"kafka": source}, "alerts": alerts}))
    found = read_settings(path, {})
    shown = as_yaml(found)
    assert shown.count('"***"') == 3
    assert "geheim" not in shown + repr(found.settings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sasl": {"mechanism": "PLAIN", "user": "u", "password": "p"}}, "shows its secret to the network"),
        ({"sasl": {"mechanism": "PLAIN", "user": "u"}}, "needs a `user` and a `password_file`"),
        ({"sasl": {"user": "u", "password": "p"}}, "say the `mechanism`"),
        ({"sasl": {"mechanism": "GSSAPI"}}, "'sources.kafka.sasl.mechanism': Input should be"),
        ({"sasl": {**BEARER}}, "OAUTHBEARER needs"),
        ({"sasl": {**BEARER, "client_secret": "s", "user": "u"}}, "has no `user`"),
        ({"sasl": {**BEARER, "client_secret": "s", "token_file": "t"}}, "not both"),
        (
            {"sasl": {**BEARER, "client_secret": "s", "token_url": "http://idp.internal"}},
            "must be|make it `https",
        ),
        (
            {"sasl": {"mechanism": "SCRAM-SHA-256", "user": "u", "token_file": "t"}},
            "only OAUTHBEARER has tokens",
        ),
        ({"tls": {"key": "k.pem"}}, "a `key` needs its `cert`"),
        ({"tls": {"enabled": False, "ca": "ca.pem"}}, "TLS is off"),
        ({"topics": [], "pattern": None}, "say `topics` or a `pattern`"),
        ({"pattern": "app-.*"}, "say `topics` or a `pattern`"),
        ({"topics": [], "pattern": "app-("}, "say a regular expression"),
        ({"start": "2026-11-31T08:00:00Z"}, "or a time as"),
        ({"bootstrap": "kafka.internal"}, "each broker is `host:port`"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said) as caught:
        loaded(tmp_path, **change)
    assert "geheim" not in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path):
    files = authority(tmp_path, "tls")
    (tmp_path / "nonsense.pem").write_text("nonsense")
    for tls, said in (
        ({"ca": "absent.pem"}, "sources.kafka.tls.ca: .*absent.pem cannot be used"),
        ({"ca": "nonsense.pem"}, "sources.kafka.tls.ca: .*nonsense.pem cannot be used"),
        ({"cert": "tls/client.pem", "key": "tls/ca.key"}, "sources.kafka.tls.cert: .*belong together"),
        ({"cert": "tls/client.pem", "key": "tls/locked.key"}, "sources.kafka.tls.cert: .*the key's password"),
    ):
        with pytest.raises(SettingsError, match=said):
            reached(tmp_path, tls=tls)
    locked = {"cert": str(files.client), "key": str(files.locked_key), "key_password": files.password}
    assert reached(tmp_path, tls=locked).tls.key == files.locked_key
    with pytest.raises(SettingsError, match=r"sasl.password_file: .*absent cannot be read"):
        reached(
            tmp_path,
            sasl={"mechanism": "SCRAM-SHA-256", "user": "u", "password_file": "absent"},
        )


def test_config_check_tries_the_files(tmp_path):
    path = tmp_path / "privwatch.yml"
    kafka = {"bootstrap": "k:9092", "topics": "t", "tls": {"ca": "absent.pem"}}
    path.write_text(yaml.safe_dump({"sources": {"kafka": kafka}}))
    with pytest.raises(SettingsError, match=r"sources\.kafka\.tls\.ca"):
        check_settings(load_settings(path, {}))
    del kafka["tls"]
    alerts = {"kafka": {"soc": {"bootstrap": "k:9092", "topic": "a", "tls": {"ca": "absent.pem"}}}}
    path.write_text(yaml.safe_dump({"sources": {"kafka": kafka}, "alerts": alerts}))
    with pytest.raises(SettingsError, match=r"alerts.kafka.soc.tls.ca: .*absent.pem"):
        check_settings(load_settings(path, {}))


def test_bearer_tokens_by_file(tmp_path):
    found = reached(tmp_path, sasl={"mechanism": "OAUTHBEARER", "token_file": "token", "insecure": True})
    assert isinstance(found.sasl.tokens, TokenFile)


def test_topics_by_pattern_and_a_time_to_start_at(tmp_path):
    kafka = loaded(tmp_path, topics=[], pattern="app-.*", start="2026-11-24T08:00:00+01:00")
    assert kafka.start_at == 1_795_503_600_000
    assert kafka.told == "topics like app-.*"
    assert kafka.reads("app-logs")
    assert not kafka.reads("my-app-logs"), "the whole name must fit"
    path = tmp_path / "privwatch.yml"
    path.write_text(
        "sources:\n  kafka: {bootstrap: 'k:9092', pattern: app-.*}\n".replace(
            "}", ", start: 2026-11-24T07:00:00Z}"
        )
    )
    assert load_settings(path, {}).sources.kafka.start_at == kafka.start_at, "as YAML has it, unquoted"


def test_the_certificates_of_these_tests_are_real(tmp_path):
    files = authority(tmp_path, "tls")
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", files.ca, files.server, files.client],
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"OK") == 2
    assert json.dumps(files.password)
