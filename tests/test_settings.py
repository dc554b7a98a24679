"""Settings: the file, the environment over it, and messages that point and never tell."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from monitor.errors import SettingsError
from monitor.model import Logsource
from monitor.sections import MetricsSettings
from monitor.settings import PREFIX, Settings, load_settings, settings_table

ROOT = Path(__file__).resolve().parent.parent
LEAST = """\
sources:
  kafka:
    bootstrap: kafka.internal:9092
    topics: app-logs
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "privwatch.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, env or {})
    return str(caught.value).replace(f"{path}:", "").splitlines()


def test_the_least_that_must_be_said(write):
    path = write(LEAST)
    settings = load_settings(path, {})
    kafka = settings.sources.kafka
    assert (kafka.bootstrap, kafka.topics) == (("kafka.internal:9092",), ("app-logs",))
    assert (kafka.group, kafka.start, kafka.format, kafka.aliases) == ("privwatch", "earliest", "json", ())
    assert kafka.logsource.logsource() == Logsource()
    assert settings.store == str(path.parent / "privwatch.db")
    assert settings.key == path.parent / "privwatch.key"
    assert (settings.rules, settings.namespace) == ((), "default")
    assert (settings.metrics.host, settings.metrics.port) == ("127.0.0.1", 9108)


def test_the_example_loads():
    settings = load_settings(ROOT / "deploy" / "privwatch.example.yml", {})
    assert settings.sources.kafka.logsource.logsource() == Logsource(category="application")
    assert settings.sources.kafka.aliases == (
        ("user.name", ("usr", "principal.login")),
        ("customer.id", ("customerNumber",)),
    )


def test_the_environment_wins(write):
    path = write(LEAST + "metrics: {port: 1}\n")
    env = {
        "PRIVWATCH__METRICS__PORT": "9200",
        "PRIVWATCH__METRICS__HOST": "0.0.0.0",
        "PRIVWATCH__SOURCES__KAFKA__TOPICS": "app-logs, audit",
        "PRIVWATCH__SOURCES__KAFKA__CONNECT_SECONDS": "2.5",
        "PRIVWATCH__RULES": "/etc/privwatch/rules,own.yml",
        "PRIVWATCH_TEST_KAFKA": "not a setting",
        "HOME": "/root",
    }
    settings = load_settings(path, env)
    assert (settings.metrics.host, settings.metrics.port) == ("0.0.0.0", 9200)
    assert settings.sources.kafka.topics == ("app-logs", "audit")
    assert settings.sources.kafka.connect_seconds == 2.5
    assert settings.rules == (Path("/etc/privwatch/rules"), path.parent / "own.yml")


def test_sources_may_be_several_and_must_be_some(write):
    both = load_settings(write(LEAST + "  stdin: {format: access, fields: {user.name: usr}}\n"), {}).sources
    assert both.kafka is not None
    assert (both.stdin.format, both.stdin.aliases) == ("access", (("user.name", ("usr",)),))
    alone = load_settings(write("sources: {stdin: {}}\n"), {}).sources
    assert (alone.kafka, alone.stdin.format) == (None, "auto")
    for nothing in ("sources: {}\n", "sources: {kafka: null}\n"):
        assert "'sources': say where records come from" in problems(write(nothing))[0]
    known = "Known: format, logsource, time_fields, fields."
    assert known in problems(write("sources: {stdin: {fromat: json}}\n"))[0]
    assert "say one of auto, json, access, text" in problems(write("sources: {stdin: {format: table}}\n"))[0]


def test_an_empty_file_and_an_environment_are_enough(write):
    env = {f"{PREFIX}SOURCES__KAFKA__BOOTSTRAP": "k:9092", f"{PREFIX}SOURCES__KAFKA__TOPICS": "t"}
    assert load_settings(write("# nothing here\n"), env).sources.kafka.topics == ("t",)


def test_a_url_stays_a_url(write):
    assert (
        load_settings(write(LEAST + "store: sqlite:////var/lib/p.db\n"), {}).store
        == "sqlite:////var/lib/p.db"
    )


def test_unknown_keys_have_their_place_and_a_suggestion(write):
    said = problems(write(LEAST + "    topicz: x\nmetrics:\n  prot: 1\nstoer: x\n"))
    kafka = (
        "bootstrap, tls, sasl, client, topics, pattern, group, start, format, logsource, time_fields, "
        "fields, connect_seconds, session_seconds"
    )
    metrics = ", ".join(MetricsSettings.model_fields)
    known = ", ".join(Settings.model_fields)
    assert said == [
        f"5:5: there is no setting 'sources.kafka.topicz'. Did you mean 'topics'? Known: {kafka}.",
        f"7:3: there is no setting 'metrics.prot'. Did you mean 'port'? Known: {metrics}.",
        f"8:1: there is no setting 'stoer'. Did you mean 'store'? Known: {known}.",
    ]


def test_what_is_missing_says_where_to_put_it(write):
    assert problems(write("sources:\n  kafka:\n    topics: [t]\n")) == [
        "2:3: 'sources.kafka.bootstrap' is missing. Say it here, or in PRIVWATCH__SOURCES__KAFKA__BOOTSTRAP."
    ]
    assert problems(write("")) == ["1:1: 'sources' is missing. Say it here, or in PRIVWATCH__SOURCES."]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "    start: newest",
            "5:5: 'sources.kafka.start': say stored, earliest, latest or a time as 2026-11-24T08:00:00Z.",
        ),
        ("    format: table", "5:5: 'sources.kafka.format': say one of json, access, text."),
        ("    group: 7", "5:5: 'sources.kafka.group': Input should be a valid string."),
        ("    connect_seconds: 0", "5:5: 'sources.kafka.connect_seconds': Input should be greater than 0."),
        ("metrics: {port: '9'}", "5:11: 'metrics.port': Input should be a valid integer."),
        ("metrics: {port: 70000}", "5:11: 'metrics.port': Input should be less than or equal to 65535."),
        ("metrics: 5", "5:1: 'metrics': Input should be an object."),
    ],
)
def test_wrong_values_say_what_is_right(write, line, said):
    assert problems(write(LEAST + line + "\n")) == [said]


def test_a_value_is_never_told(write):
    env = {"PRIVWATCH__METRICS__PORT": "geheim-1", "PRIVWATCH__STORE__X": "geheim-2"}
    path = write(
        "sources:\n  kafka: {bootstrap: geheim-3, topics: ['geheim 4'], start: geheim-5, group: [geheim-6]}\n"
        "namespace: 'geheim 7'\nkey: {geheim: geheim-8}\n"
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(path, env)
    assert not re.search(r"geheim[- ]\d", str(caught.value))
    assert caught.value.__suppress_context__
    assert "PRIVWATCH__METRICS__PORT: 'metrics.port': Input should be a valid integer" in str(caught.value)


def test_a_variable_below_a_value(write):
    said = problems(write(LEAST + "store: x\n"), {"PRIVWATCH__STORE__X": "1"})
    assert said == ["PRIVWATCH__STORE__X: there is a value at 'store', so nothing can be below it"]


@pytest.mark.parametrize(
    "broker",
    ["kafka", "kafka:0", "kafka:99999", "http://kafka:9092", "a b:1", "a..b:1", ".:1", f"{'a' * 64}.it:1"],
)
def test_brokers_are_host_and_port(write, broker):
    (said,) = problems(write(LEAST.replace("kafka.internal:9092", f"'{broker}'")))
    assert "each broker is `host:port`" in said


def test_keys_twice_and_no_yaml_are_errors_with_their_place(write):
    assert problems(write("store: a\nstore: b\n"))[0].startswith("2:1:")
    assert problems(write("store: [a\n"))[0].startswith("2:1: This is not YAML")


@pytest.mark.parametrize("text", ["- a\n- b\n", "--- {}\n--- {}\n", "just text\n"])
def test_settings_are_one_map(write, text):
    assert "settings are one map of keys to values" in problems(write(text))[0]


def test_a_file_that_is_not_there(tmp_path):
    assert (
        "cannot be read (No such file or directory); name the file with --config"
        in (problems(tmp_path / "absent.yml")[0])
    )


def test_settings_do_not_change(write):
    settings = load_settings(write(LEAST), {})
    with pytest.raises(ValidationError):
        settings.store = "other"


def test_the_example_names_every_section_and_is_good_with_all_of_it(write):
    example = (ROOT / "deploy" / "privwatch.example.yml").read_text(encoding="utf-8")
    said = re.sub(r"^( *)# ( *(?:- |[a-z_]+:(?: |$)))", r"\1\2", example, flags=re.MULTILINE)
    assert said != example
    shown = load_settings(write(said), {})
    # What this machine keeps, how often it looks: the defaults serve.
    assert set(Settings.model_fields) - set(yaml.safe_load(said)) == {
        "store_password_file",
        "limits",
        "reload",
    }
    assert (len(shown.detectors.custom), len(shown.detectors.allow), shown.detectors.regions) == (
        1,
        1,
        ("DE", "AT"),
    )


def test_the_page_says_what_the_code_says():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.<>]+)` \| `?(.*?)`? \| (.*) \|$", page, re.MULTILINE)
    assert rows == settings_table()
    assert {row[0].partition(".")[0] for row in rows} == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("open_days: 179", "'retention.open_days': at least 180 days: the CNIL"),
        ("settled_days: 1", "'retention.settled_days': at least 180 days"),
        ("incident_days: 365", "'retention.incident_days': at least 1095 days: the register of Art. 33(5)"),
        ("ledger_days: 1800", "'retention': ledger_days is less than incident_days"),
        ("alert_days: 1", "'retention.alert_days'"),
    ],
)
def test_what_is_to_be_kept_by_law_is_not_kept_for_less(write, said, why):
    with pytest.raises(SettingsError) as refused:
        load_settings(write(f"{LEAST}retention: {{{said}}}\n"), {})
    assert why in str(refused.value)
