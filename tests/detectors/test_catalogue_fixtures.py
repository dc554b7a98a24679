"""The catalogue on other people's cases, and on their logs: what is found there that nobody put there."""

import json
from functools import cache

import polars as pl
import pytest

from monitor.detectors import GROUPS, find
from monitor.detectors.registry import CLASSES
from tests.support.fixtures import fixtures_dir, needs_fixtures

pytestmark = needs_fixtures

DISCLOSED = ["raw", "encoded"]


def rows(*parts: str) -> list[dict]:
    return [json.loads(line) for line in fixtures_dir(*parts).read_text(encoding="utf-8").splitlines()]


def recognised(texts: list[str], *classes: str, path: str = "") -> list[bool]:
    """Which of the texts hold something of the classes, personal or nobody's."""
    found = find(pl.Series(texts, dtype=pl.String), classes, pl.Series([path] * len(texts), dtype=pl.String))
    return [index in set(found["index"]) for index in range(len(texts))]


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def test_phones_of_validator_js():
    """What is missed are numbers made up for those tests, which the numbering plans do not have."""
    cases = [c for c in rows("pii-validatorjs", "cases.jsonl") if c["validator"] == "isMobilePhone"]
    texts = [c["value"] for c in cases if c["valid"] and str(c["value"]).startswith("+")]
    assert len(texts) > 1_600
    assert share(recognised(texts, "phone")) >= 0.83


def test_national_phones_of_validator_js():
    regions = {
        "de-DE",
        "de-AT",
        "de-CH",
        "fr-FR",
        "en-GB",
        "en-IE",
        "nl-NL",
        "it-IT",
        "es-ES",
        "pt-PT",
        "pl-PL",
    }
    cases = [
        c for c in rows("pii-validatorjs", "cases.jsonl") if c["validator"] == "isMobilePhone" and c["valid"]
    ]
    texts = [
        c["value"] for c in cases if c["args"] and str(c["args"][0]) in regions and c["value"][0] not in "+(0"
    ]
    texts += [
        c["value"]
        for c in cases
        if c["args"] and str(c["args"][0]) in regions and c["value"][:2] in ("01", "06")
    ]
    assert len(texts) > 25
    assert share(recognised(texts, "phone_national", path="phone")) >= 0.9


def test_addresses_of_validator_js():
    """IPv4 all; of IPv6 those outside 2000::/3 and the local ranges are no one's and are left alone."""
    cases = [c for c in rows("pii-validatorjs", "cases.jsonl") if c["validator"] == "isIP" and c["valid"]]
    texts = [c["value"] for c in cases if str(c["value"]).count(".") == 3 and ":" not in c["value"]]
    assert share(recognised(texts, "ip", path="ip")) == 1


def test_commonregex():
    cases = rows("pii-commonregex", "cases.jsonl")
    texts = {
        (c["class"], c["match"]): [
            d["text"] for d in cases if (d["class"], d["match"]) == (c["class"], c["match"])
        ]
        for c in cases
    }
    assert share(recognised(texts["IPs", True], "ip", path="ip")) == 1
    assert share(recognised(texts["IPv6s", True], "ip")) == 1
    assert share(recognised(texts["SSN", True], "us_ssn", path="ssn")) == 1
    assert not any(recognised(texts["SSN", False], "us_ssn", path="ssn"))


@pytest.mark.parametrize(
    ("file", "name", "missed"),
    [
        ("test_detector_date_of_birth.py", "date_of_birth", 0),
        ("test_detector_en_GB_nino.py", "uk_nino", 0),
        ("test_detector_en_US_social_security_number.py", "us_ssn", 0),
    ],
)
def test_scrubadub(file, name, missed):
    texts = [c["before"] for c in rows("pii-scrubadub", "before_after.jsonl") if c["file"] == file]
    assert len(texts) >= 4
    assert recognised(texts, name).count(False) == missed


@pytest.mark.parametrize(
    ("file", "test", "name"),
    [
        ("tests/test_mac_address.py", "test_returns_true_on_valid_mac_address", "mac"),
        ("tests/i18n/test_es.py", "test_returns_true_on_valid_nie", "es_nie"),
        ("tests/i18n/test_fr.py", "test_returns_failed_validation_on_invalid_ssn", "fr_nir"),
        ("tests/test_mac_address.py", "test_returns_failed_validation_on_invalid_mac_address", "mac"),
    ],
)
def test_python_validators(file, test, name):
    cases = [
        c for c in rows("pii-python-validators", "cases.jsonl") if (c["file"], c["test"]) == (file, test)
    ]
    texts = [str(next(iter(c["params"].values()))) for c in cases]
    assert recognised(texts, name, path=name) == [c["valid"] for c in cases]
    assert texts


KEYS = ("api_key", "jwt", "private_key", "basic_auth", "url_password")


@pytest.mark.parametrize(
    ("plugin", "missed", "found_wrongly"),
    [
        ("aws_key", 0, 0),
        ("azure_storage_key", 0, 0),
        ("basic_auth", 0, 0),
        ("discord", 1, 0),
        ("github_token", 0, 0),
        ("gitlab_token", 0, 1),  # a token of GitHub
        ("mailchimp_key", 0, 0),
        ("sendgrid", 0, 0),
        ("stripe_key", 0, 0),
        ("telegram_token", 0, 0),
        ("twilio", 0, 0),
    ],
)
def test_detect_secrets(plugin, missed, found_wrongly):
    cases = [c for c in rows("secrets-detect-secrets", "plugin_cases.jsonl") if c["plugin"] == plugin]
    told = [(c["params"], c["should_flag"]) for c in cases if c["should_flag"] is not None]
    texts = [
        next(v for k, v in params.items() if k != "should_flag" and isinstance(v, str)) for params, _ in told
    ]
    flags = recognised(texts, *KEYS)
    assert sum(flag and not found for (_, flag), found in zip(told, flags, strict=True)) == missed
    assert sum(found and not flag for (_, flag), found in zip(told, flags, strict=True)) == found_wrongly


LOGS = (
    "access-elastic-apache10k", "access-elastic-nginxplus-json", "applog-elastic-kafka-cluster",
    "applog-otlp-json", "db-pgaudit", "formats-lnav", "syslog-elastic-auth", "parse-datadog-extras",
)  # fmt: skip
PUT_THERE = {"email", "ip", "mac", "geo", "api_key", "card"}
"""What these logs do hold: addresses of clients and servers, keys of cloud accounts, one test card."""


@cache
def lines() -> pl.Series:
    texts: list[str] = []
    for folder in LOGS:
        for file in sorted(fixtures_dir(folder).rglob("*")):
            if file.is_file() and "LICENSE" not in file.name and file.suffix not in {".yml", ".yaml", ".md"}:
                texts += file.read_text(encoding="utf-8", errors="replace").splitlines()
    return pl.Series(texts).unique(maintain_order=True)


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in PUT_THERE])
def test_ordinary_logs_hold_hardly_any(name):
    """At most one line in a thousand, the aim; for most classes it is none at all."""
    assert lines().len() > 25_000
    found = find(lines(), (name,)).filter(pl.col("state").is_in(DISCLOSED))["index"].n_unique()
    assert found <= lines().len() / 1_000


def test_of_the_national_identifiers_together_there_are_hardly_any():
    found = find(lines(), GROUPS["national_id"]).filter(pl.col("state").is_in(DISCLOSED))["index"].n_unique()
    assert found <= lines().len() / 1_000
