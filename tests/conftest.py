"""Fixtures that several suites share, and the note of what could not run that `python -m tests` reads."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support import alertmanager as alertmanager_support
from tests.support import kafka_jars, postgresql_server
from tests.support.daemon import Daemon
from tests.support.receiver import Receiver
from tests.support.unmet import PREFIX, cannot_run

if TYPE_CHECKING:
    from tests.support.kafka_server import Kafka, KafkaServer

# The same examples every time: a failing build is a failing build, not luck. No deadline: machines differ.
settings.register_profile(
    "privwatch",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("privwatch")


@pytest.fixture(autouse=True)
def _no_daemon_outlives_its_test() -> Iterator[None]:
    yield
    Daemon.end_all()


@pytest.fixture(scope="session")
def kafka() -> "Iterator[Kafka]":
    """A real Apache Kafka: the one PRIVWATCH_TEST_KAFKA names, else one started for this session."""
    from tests.support.kafka_server import (  # noqa: PLC0415 - slow to import, and most runs need no Kafka
        Kafka,
        KafkaServer,
        named_broker,
    )

    named = named_broker()
    if named is not None:
        yield Kafka(named)
        return
    reason = kafka_jars.missing()
    if reason:
        cannot_run(reason)
    server = KafkaServer()
    try:
        server.start()
        yield Kafka(server.bootstrap)
    finally:
        server.close()


@pytest.fixture(scope="session")
def _second_kafka_server() -> "Iterator[KafkaServer]":
    """One that may be stopped, whoever reads the other."""
    from tests.support.kafka_server import KafkaServer  # noqa: PLC0415 - as above

    reason = kafka_jars.missing()
    if reason:
        cannot_run(reason)
    server = KafkaServer()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def kafka_server(_second_kafka_server: "KafkaServer") -> "KafkaServer":
    """A server for tests that stop and start it: it runs, and no other test uses it meanwhile."""
    if not _second_kafka_server.running:
        _second_kafka_server.start()
    return _second_kafka_server


@pytest.fixture(scope="session")
def alertmanager() -> Iterator[alertmanager_support.Alertmanager]:
    """A real Alertmanager: the one PRIVWATCH_TEST_ALERTMANAGER names, else one started for this session."""
    named = os.environ.get("PRIVWATCH_TEST_ALERTMANAGER")
    if named:
        yield alertmanager_support.Alertmanager(f"http://{named}")
        return
    reason = alertmanager_support.missing()
    if reason:
        cannot_run(reason)
    with alertmanager_support.AlertmanagerServer() as server:
        server.start()
        yield server


@pytest.fixture
def alertmanager_server() -> Iterator[alertmanager_support.AlertmanagerServer]:
    """A server of the test's own, not yet started; what it notifies goes to its `receiver`."""
    reason = alertmanager_support.missing()
    if reason:
        cannot_run(reason)
    with alertmanager_support.AlertmanagerServer() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server that remembers what it was sent and answers as it is told."""
    with Receiver() as one:
        yield one


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgresql_server.Postgresql]:
    """A real PostgreSQL: the one PRIVWATCH_TEST_POSTGRESQL names, else one started for this session."""
    named = postgresql_server.named_server()
    if named is not None:
        yield postgresql_server.Postgresql(named)
        return
    reason = postgresql_server.missing()
    if reason:
        cannot_run(reason)
    server = postgresql_server.PostgresqlServer()
    try:
        server.start()
        yield postgresql_server.Postgresql(server.url)
    finally:
        server.close()


@pytest.fixture
def database(postgresql: postgresql_server.Postgresql) -> Iterator[str]:
    """URL of an empty database in PostgreSQL."""
    url = postgresql.database()
    yield url
    postgresql.drop(url)


@pytest.fixture
def postgresql_cluster() -> Iterator[postgresql_server.PostgresqlServer]:
    """A server of the test's own, started, for tests that stop and start it."""
    reason = postgresql_server.missing()
    if reason:
        cannot_run(reason)
    server = postgresql_server.PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Leave the reasons of the tests this machine could not run where PRIVWATCH_TEST_REPORT says."""
    report = os.environ.get("PRIVWATCH_TEST_REPORT")
    if not report:
        return
    unmet = []
    for skipped in terminalreporter.stats.get("skipped", []):
        reason = skipped.longrepr[2] if isinstance(skipped.longrepr, tuple) else str(skipped.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if reason.startswith(PREFIX):
            unmet.append((skipped.nodeid.partition("::")[0], reason.removeprefix(PREFIX)))
    Path(report).write_text(json.dumps(unmet), encoding="utf-8")
