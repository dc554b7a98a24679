"""Other people's labelled cases, and their logs, out of the folder of fixtures; what is absent is named."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scorecard.cases import Case, held_out

LOGS: Final = (
    "access-elastic-apache10k", "access-elastic-nginxplus-json", "applog-elastic-kafka-cluster",
    "applog-otlp-json", "db-pgaudit", "formats-lnav", "syslog-elastic-auth", "parse-datadog-extras",
)  # fmt: skip
BARE: Final = ("applog-elastic-kafka-cluster", "db-pgaudit", "syslog-elastic-auth")
"""Logs whose lines the made-up cases are put into, those without anything of the kinds that are put there."""
_SAME = re.compile(r"(.)\1{15}")
_HOLDS = re.compile(r"@|::|[0-9]\.[0-9]+\.[0-9]|\+[0-9]")


def folder() -> Path:
    """Where the fixtures would be: PRIVWATCH_FIXTURES, or `../shared/fixtures` beside the checkout."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
    return Path(os.environ.get("PRIVWATCH_FIXTURES", beside))


def absent() -> list[str]:
    """Names of the folders that are not there."""
    asked = (
        *LOGS,
        "pii-validatorjs",
        "pii-scrubadub",
        "pii-commonregex",
        "pii-python-validators",
        "secrets-detect-secrets",
    )
    return [name for name in asked if not (folder() / name).exists()]


def log_lines(folders: tuple[str, ...] = LOGS) -> list[str]:
    """The distinct lines of the sample logs."""
    lines: dict[str, None] = {}
    for name in folders:
        for file in sorted((folder() / name).rglob("*")):
            if file.is_file() and "LICENSE" not in file.name and file.suffix not in {".yml", ".yaml", ".md"}:
                lines |= dict.fromkeys(file.read_text(encoding="utf-8", errors="replace").splitlines())
    return [line for line in lines if line.strip()]


def bare_lines() -> list[str]:
    """Lines of real logs for made-up cases to stand in."""
    lines = [line for line in log_lines(BARE) if not _HOLDS.search(line)]
    return lines or ["service ready in 12 ms", "GET /healthz 200"]


def _rows(*parts: str) -> list[dict[str, Any]]:
    path = folder().joinpath(*parts)
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def cases(*, held: bool) -> Iterator[Case]:
    """The half of the cases that is held out, or the other."""
    for case in (*_validator_js(), *_python_validators(), *_scrubadub(), *_common_regex(), *_secrets()):
        if held_out(case.text) is held:
            yield case


def _validator_js() -> Iterator[Case]:
    for row in _rows("pii-validatorjs", "cases.jsonl"):
        value = str(row["value"])
        if row["validator"] == "isMobilePhone" and row["valid"] and value.startswith("+"):
            yield Case("phone", value, personal=True, kind="validator.js")


def _python_validators() -> Iterator[Case]:
    names = {"test_card.py": "card", "test_iban.py": "iban", "test_mac_address.py": "mac"}
    for row in _rows("pii-python-validators", "cases.jsonl"):
        name = names.get(Path(row["file"]).name)
        if name:
            text = str(next(iter(row["params"].values())))
            if name == "mac" and row["valid"] and int(text[1], 16) % 2:
                continue  # the address of a group of machines is nobody's
            yield Case(name, text, personal=row["valid"], kind="python-validators", path=name)


def _scrubadub() -> Iterator[Case]:
    names = {
        "test_detector_credit_card.py": "card",
        "test_detector_date_of_birth.py": "date_of_birth",
        "test_detector_emails.py": "email",
        "test_detector_en_GB_nino.py": "uk_nino",
        "test_detector_en_US_social_security_number.py": "us_ssn",
    }
    for row in _rows("pii-scrubadub", "before_after.jsonl"):
        if row["file"] in names:
            personal = row["before"] != row["after"]
            # What is reserved for examples is nobody's, whatever their tests call it.
            text = row["before"].replace("example.com", "nordwind-shop.de")
            yield Case(names[row["file"]], text, personal=personal, kind="scrubadub")


def _common_regex() -> Iterator[Case]:
    for row in _rows("pii-commonregex", "cases.jsonl"):
        if row["class"] == "Emails":
            yield Case("email", row["text"], personal=row["match"], kind="CommonRegex")


def _secrets() -> Iterator[Case]:
    wanted = {
        "aws_key",
        "github_token",
        "gitlab_token",
        "mailchimp_key",
        "sendgrid",
        "stripe_key",
        "telegram_token",
        "twilio",
    }
    for row in _rows("secrets-detect-secrets", "plugin_cases.jsonl"):
        if row["plugin"] in wanted and row["should_flag"] is not None:
            text = next(v for k, v in row["params"].items() if k != "should_flag" and isinstance(v, str))
            # One character again and again is a placeholder, and opens nothing, whatever their tests call it.
            personal = row["should_flag"] and not _SAME.search(text)
            yield Case("api_key", text, personal=personal, kind=row["plugin"], peers=False)
