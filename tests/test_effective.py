"""`privwatch config`: what is in force and where it was said, without secrets; and the schema editors use."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import Field, SecretStr

from monitor.effective import as_yaml, effective, schema
from monitor.setting_kinds import Section
from monitor.settings import Loaded, Settings, read_settings, settings_table
from tests.support.command import privwatch
from tests.support.shipped import ROOT

TEXT = """\
sources:
  kafka:
    bootstrap: kafka.internal:9092
    topics: [app-logs]
    fields: {user.name: [usr]}
metrics:
  auth: {user: prometheus, password_hash: geheim-1}
store: postgresql://privwatch:geheim-2@db.internal/privwatch
"""
ENV = {"PRIVWATCH__METRICS__PORT": "9200", "PRIVWATCH__LOG__LEVEL": "debug", "HOME": "/root"}


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "privwatch.yml"
    path.write_text(TEXT)
    return path


def test_every_setting_says_where_it_came_from(config):
    rows = {".".join(keys): (value, origin) for keys, value, origin in effective(read_settings(config, ENV))}
    named = {key.partition(".<name>")[0] for key, _, _ in settings_table() if "<name>" in key}
    absent = ("sources.stdin", "sign_in.oidc", "reports.mail")  # nothing is said of them as a whole
    said = {key for key, _, _ in settings_table() if "<name>" not in key and not key.startswith(absent)}
    assert rows.keys() == said | named | set(absent)
    assert all(rows[key] == (None, "default") for key in absent)
    assert rows["sources.kafka.bootstrap"] == (["kafka.internal:9092"], f"{config}:3:5")
    assert rows["sources.kafka.fields"] == ({"user.name": ["usr"]}, f"{config}:5:5")
    assert rows["metrics.auth.user"] == ("prometheus", f"{config}:7:10")
    assert rows["metrics.port"] == (9200, "environment PRIVWATCH__METRICS__PORT")
    assert rows["log.level"] == ("debug", "environment PRIVWATCH__LOG__LEVEL")
    assert rows["metrics.host"] == ("127.0.0.1", "default")
    assert rows["key"] == (str(config.parent / "privwatch.key"), "default")


def test_no_secret_is_shown(config):
    shown = as_yaml(read_settings(config, ENV))
    assert "geheim" not in shown
    assert "postgresql://privwatch:***@db.internal/privwatch" in shown
    assert 'password_hash: "***"' in shown


def test_other_spellings_of_secrets_are_masked():
    class Sasl(Section):
        password: str = "geheim-1"
        oauth_client_secret: str = "geheim-2"
        mechanism: str = "PLAIN"
        other: SecretStr = SecretStr("geheim-3")
        urls: tuple[str, ...] = ("https://u:geheim-4@h/x", "https://h/x")
        headers: dict[str, str] = Field({"api_key": "geheim-5", "plain": "seen"})
        token: str | None = None

    loaded = Loaded(Sasl(), read_settings.__globals__["MapNode"](None, ()), {})
    rows = {keys[-1]: value for keys, value, _ in effective(loaded)}
    assert "geheim" not in json.dumps(rows)
    assert rows["mechanism"] == "PLAIN"
    assert rows["urls"] == ["https://u:***@h/x", "https://h/x"]
    assert rows["headers"] == {"api_key": "***", "plain": "seen"}
    assert rows["token"] is None


def test_what_is_printed_is_a_settings_file(tmp_path):
    loaded = read_settings(ROOT / "deploy" / "privwatch.example.yml", {})
    again = tmp_path / "privwatch.yml"
    again.write_text(as_yaml(loaded))
    assert read_settings(again, {}).settings == loaded.settings


def test_the_schema_knows_every_setting_and_refuses_others():
    Draft202012Validator.check_schema(schema())
    validator = Draft202012Validator(schema())
    good = yaml.safe_load((ROOT / "deploy" / "privwatch.example.yml").read_text())
    assert not list(validator.iter_errors(good))
    good["sources"]["kafka"]["topics"] = "a,b"
    assert not list(validator.iter_errors(good))
    for wrong in ({"metrics": {"prot": 1}}, {"metrics": {"port": "x"}}, {"log": {"format": "xml"}}, {"x": 1}):
        assert list(validator.iter_errors(good | wrong)), wrong
    assert list(validator.iter_errors({}))
    described = [schema()["$defs"]["MetricsSettings"]["properties"], schema()["properties"]]
    assert all("description" in one for properties in described for one in properties.values())
    assert set(schema()["properties"]) == set(Settings.model_fields)


def test_the_command(config, tmp_path, monkeypatch):
    bad = privwatch("config", "-c", config, "--check", folder=tmp_path)
    assert (bad.code, "geheim" in bad.err) == (2, False)
    assert "no hash of a password" in bad.err
    good = ROOT / "deploy" / "privwatch.example.yml"
    done = privwatch("config", "-c", good, folder=tmp_path)
    assert done.code == 0
    assert "good; " in done.out
    assert "event rules" in done.out
    monkeypatch.setenv("PRIVWATCH__METRICS__HOST", "0.0.0.0")
    assert "metrics.insecure: true" in privwatch("config", "-c", good, folder=tmp_path).err
    shown = privwatch("config", "-c", good, "--print", folder=tmp_path)
    assert "# environment PRIVWATCH__METRICS__HOST" in shown.out
    assert json.loads(privwatch("config", "--schema", folder=tmp_path).out) == schema()
    assert privwatch("config", "--schema", "--print", folder=tmp_path).code == 2
    assert privwatch("config", "-c", "absent.yml", folder=tmp_path).code == 2


def test_a_password_is_hashed_from_a_pipe(tmp_path):
    done = privwatch("config", "--hash-password", folder=tmp_path, given=b"geheim\n")
    assert done.out.startswith("scrypt:16384:8:1:")
    assert "geheim" not in done.out + done.err
    assert privwatch("config", "--hash-password", folder=tmp_path, given=b"").code == 2


@pytest.mark.parametrize("broken", ["rules: no-such-rules", "metrics: {tls: {cert: absent.pem}}"])
def test_check_refuses_what_run_would(tmp_path, broken):
    path = tmp_path / "privwatch.yml"
    path.write_text(f"sources: {{kafka: {{bootstrap: 'k:9092', topics: t}}}}\n{broken}\n")
    assert privwatch("config", "-c", path, folder=tmp_path).code == 2
