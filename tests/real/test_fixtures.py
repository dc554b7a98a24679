"""Replays of logs that others wrote: nothing is lost, the counts are right, and what fires was looked at.

Every number in `JUDGED` was judged by reading the lines: they are rightly reported, or it says why not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.app import ReplayOptions, ReplayReport, replay, shipped_rules
from monitor.model import Logsource
from monitor.pipeline.ways import Decoding
from monitor.review.summary import by_id
from tests.support.fixtures import fixtures_dir, needs_fixtures

pytestmark = needs_fixtures

TOTALS = """
title: Request
id: 0f8a5f0e-6f0e-4d7e-9a9e-0a3b8f6f2a01
name: request
status: test
logsource: {category: webserver}
detection:
    any: {url.original|exists: true}
    condition: any
level: informational
---
title: Different hosts
id: 0f8a5f0e-6f0e-4d7e-9a9e-0a3b8f6f2a02
name: hosts
status: test
correlation: {type: value_count, rules: [request], timespan: 30d, condition: {field: source.ip, gte: 1}}
level: informational
---
title: Bytes served
id: 0f8a5f0e-6f0e-4d7e-9a9e-0a3b8f6f2a03
name: bytes
status: test
correlation:
    type: value_sum
    rules: [request]
    timespan: 30d
    condition: {field: http.response.body.bytes, gte: 1}
level: informational
"""

EMAIL = "email_in_application_log"
JUDGED: dict[str, dict[str, int]] = {
    # Its 198 addresses are those of crawlers, in the user agent.
    "access-elastic-apache10k": {},
    "access-elastic-nginxplus-json": {},
    # "ssl.key.password = null" a dozen times, which is no password.
    "applog-elastic-kafka-cluster": {},
    "applog-otlp-json": {},
    "cloud-opensearch-catalog": {},
    # Admin and sign-in events of Box, Duo and Okta: logins that are addresses, of actor and of target.
    "cloud-streamalert-tests": {EMAIL: 8},
    "cloudtrail-stratus": {},
    # Statements on tables of numbers.
    "db-pgaudit": {},
    # Crawlers again; "Failed password for", which holds none.
    "detect-crowdsec": {},
    # Authors of commits (8; a robot and no-reply addresses are left alone), maintainers in a traced read of a
    # package list, an FTP login, a bounced mail.
    "formats-lnav": {EMAIL: 11},
    "k8saudit-falco-traces": {},
    # Authors of plugins in Kibana's verbose log. Working directories and PAM's service "passwd" are no
    # passwords.
    "parse-beats-filebeat-modules": {EMAIL: 5},
    # Users of AppOmni, Auth0 and Doppler; those at example.com are left alone.
    "parse-datadog-extras": {EMAIL: 17},
    # User names without addresses.
    "pii-elastic-gdpr-pseudonymization": {},
    # Actors, targets, members and owners in audit events of two dozen products.
    "rule-tests-panther": {EMAIL: 86},
    # Kerberos names of a person in Windows events.
    "sigma-events-windows": {EMAIL: 2},
    # 417 lines of "pam_unix(chpasswd:…)" and sudo's PWD=, which hold no password.
    "syslog-elastic-auth": {},
}


def logs(folder: Path) -> list[Path]:
    """The samples themselves, without what says where they come from."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(("LICENSE", "ORIGIN", "."))
    )


def lines_of(files: Sequence[Path]) -> int:
    contents = [file.read_bytes() for file in files]
    return sum(data.count(b"\n") + (data[-1:] not in {b"", b"\n"}) for data in contents)


def watch(files: Sequence[Path], folder: Path, rules: Path | None = None, **decoding: Any) -> ReplayReport:
    options = ReplayOptions(
        inputs=tuple(map(str, files)),
        rules=(rules or shipped_rules(),),
        store=folder / "a.db",
        key=folder / "a.key",
        decoding=Decoding(**decoding),
    )
    return replay(options)


def found(report: ReplayReport) -> dict[str, int]:
    """Events by rule, once for every field that gave evidence."""
    rules = by_id(report.ruleset)
    events: Counter[str] = Counter()
    for violation in report.violations:
        events[rules[violation.rule].header.name] += violation.count
    return dict(events)


@pytest.mark.parametrize("name", JUDGED)
def test_every_line_is_accounted_for_and_what_fires_was_judged(name: str, tmp_path: Path) -> None:
    files = logs(fixtures_dir(name))
    report = watch(files, tmp_path)
    assert report.events + sum(report.rejects.values()) == lines_of(files)
    assert found(report) == JUDGED[name]


def test_the_apache_sample_adds_up_to_what_is_known_of_it(tmp_path: Path) -> None:
    rules = tmp_path / "totals.yml"
    rules.write_text(TOTALS, encoding="utf-8")
    report = watch([fixtures_dir("access-elastic-apache10k", "apache_logs.log")], tmp_path, rules)
    names = by_id(report.ruleset)
    totals = {names[v.rule].header.name: (v.count, v.value) for v in report.violations}
    assert totals == {"hosts": (10_000, 1_753), "bytes": (10_000, 2_747_282_740)}
    assert report.rejects == {}
    assert report.facts == {"events": 10_000}


def test_its_crawler_contacts_are_there_and_are_no_data_subjects(tmp_path: Path) -> None:
    sample = fixtures_dir("access-elastic-apache10k", "apache_logs.log")
    assert sum(b"@" in line.rpartition(b'" "')[2] for line in sample.read_bytes().splitlines()) >= 198
    # Said to be an application's, every value of every line is searched.
    assert watch([sample], tmp_path, logsource=Logsource(category="application")).violations == ()


def test_a_year_gives_syslog_its_times(tmp_path: Path) -> None:
    files = logs(fixtures_dir("syslog-elastic-auth"))
    report = watch(files, tmp_path, year=2017)
    assert "untimed" not in report.facts
