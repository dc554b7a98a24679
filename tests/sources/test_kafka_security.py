"""Both clients, and the topics we write to, over TLS and SASL at a real Apache Kafka."""

import base64
import gc
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from monitor.app import check_settings
from monitor.brokers.access import Brokers, Sasl, Tls
from monitor.brokers.tokens import ClientCredentials, Credentials, TokenError, TokenFile
from monitor.clock import ManualClock, SystemClock
from monitor.errors import InputError, SettingsError
from monitor.frames import Values
from monitor.model import Reject
from monitor.outbox import BROKER, TAKEN, Manner, Outcome
from monitor.settings import load_settings
from monitor.sinks.deadletter_topic import DeadLetterTopic
from monitor.sinks.topic import TopicTarget
from monitor.sources.consumer import KafkaOptions
from monitor.sources.kafka import KafkaSource
from tests.real.test_kafka_run import Daemon
from tests.sinks.test_targets import NOTICE
from tests.support import kafka_jars
from tests.support.certificates import Certificates, authority
from tests.support.kafka_server import PASSWORD, USER, Kafka, KafkaServer
from tests.support.receiver import Handler, Receiver, status
from tests.support.unmet import cannot_run

kafka_only = pytest.mark.kafka
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl):ResourceWarning")
CLOCK = SystemClock()
CLIENTS = ("kafka-python", "librdkafka")
FOR_EVER = 3600.0
"""Whoever waits so long to be told is ended by the limit of a test."""


@pytest.fixture(autouse=True)
def _sockets_of_failed_connections() -> Iterator[None]:
    """kafka-python leaves sockets that met no broker to the garbage collector, which warns of them: here."""
    yield
    for _ in range(3):
        gc.collect()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For a broker that is called kafka.internal, at 127.0.0.1."""
    return authority(tmp_path_factory.mktemp("certificates"), "tls", server="kafka.internal")


@pytest.fixture(scope="module")
def server(files: Certificates) -> Iterator[KafkaServer]:
    if reason := kafka_jars.missing():
        cannot_run(reason)
    one = KafkaServer(files)
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def topic(server: KafkaServer) -> str:
    kafka = Kafka(server.bootstrap)
    name = kafka.topic()
    kafka.produce(name, [b"one", b"two"])
    return name


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged, where the settings ask for the most: of libraries warnings and worse."""
    caplog.set_level(logging.DEBUG)
    for library in ("kafka", "librdkafka", "urllib3"):
        caplog.set_level(logging.WARNING, library)
    return caplog


def bearer(seconds: float = 3600) -> str:
    """A JSON Web Token without a signature (RFC 7519, section 6)."""
    now = CLOCK.now() / 1e6
    parts = ({"alg": "none"}, {"sub": USER, "iat": now, "exp": now + seconds})
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
        + "."
    )


def gives(**document: object):
    """Answer with JSON."""

    def answer(handler: Handler) -> None:
        body = json.dumps(document).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def read(brokers: Brokers, topic: str, client: str, **more) -> list[bytes]:
    """Both records, or the error that the source ends with."""
    wanted = KafkaOptions(brokers, (topic,), client=client, group=f"{topic}-{client}", **more)
    found: list[bytes] = []
    with closing(KafkaSource(wanted)) as source:
        source.start({})
        until = CLOCK.monotonic() + 30
        while len(found) < 2 and CLOCK.monotonic() < until:
            batch = source.poll(0.2)
            if batch is not None and isinstance(batch.payload, Values):
                found += batch.payload.items
    return found


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_by_password(server, files, topic, client, mechanism, said):
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl(mechanism, USER, PASSWORD))
    assert read(brokers, topic, client) == [b"one", b"two"]
    assert PASSWORD not in said.text


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_by_a_token_of_an_endpoint(server, files, topic, client, receiver: Receiver, said):
    token = bearer()
    receiver.always = gives(access_token=token, expires_in=3600)
    credentials = Credentials(receiver.url, "priv:watch", "geheim/&", scope="kafka")
    tokens = ClientCredentials(credentials, CLOCK)
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl("OAUTHBEARER", tokens=tokens))
    assert read(brokers, topic, client) == [b"one", b"two"]
    assert len(receiver.posted) == 1, "one token for all connections"
    asked = receiver.posted[0]
    assert asked.body == b"grant_type=client_credentials&scope=kafka"
    word, _, basic = asked.headers["authorization"].partition(" ")
    assert (word, base64.b64decode(basic)) == ("Basic", b"priv%3Awatch:geheim%2F%26")
    assert "geheim" not in said.text
    assert token not in said.text


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_by_a_token_in_a_file(server, files, topic, client, tmp_path: Path):
    (tmp_path / "token").write_text(bearer() + "\n")
    sasl = Sasl("OAUTHBEARER", tokens=TokenFile(tmp_path / "token", CLOCK))
    assert read(Brokers((server.sasl,), Tls(files.ca), sasl), topic, client) == [b"one", b"two"]


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_by_our_certificate(server, files, topic, client):
    tls = Tls(files.ca, files.client, files.locked_key, files.password)
    assert read(Brokers((server.ssl,), tls), topic, client) == [b"one", b"two"]


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said_at_once_and_not_shown(server, files, topic, client, mechanism, said):
    for sasl in (Sasl(mechanism, USER, "geheim"), Sasl(mechanism, "nobody", "geheim")):
        brokers = Brokers((server.sasl,), Tls(files.ca), sasl)
        with pytest.raises(
            InputError, match=r"authentication failed: .* user and password; check `sasl`"
        ) as how:
            read(brokers, topic, client, connect_seconds=FOR_EVER)
        assert "geheim" not in said.text + str(how.value)


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_a_token_that_is_not_accepted_is_said_at_once_and_not_shown(
    server, files, topic, client, said, tmp_path
):
    (tmp_path / "token").write_text("geheim")
    sasl = Sasl("OAUTHBEARER", tokens=TokenFile(tmp_path / "token", CLOCK))
    with pytest.raises(InputError, match="authentication failed: it does not accept this token") as how:
        read(Brokers((server.sasl,), Tls(files.ca), sasl), topic, client, connect_seconds=FOR_EVER)
    assert "geheim" not in said.text + str(how.value)


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_what_no_patience_would_cure_is_said_at_once(server, files, topic, client, tmp_path):
    other = authority(tmp_path, "other")
    sasl = Sasl("PLAIN", USER, PASSWORD)
    elsewhere = server.sasl.replace("127.0.0.1", "localhost")
    for brokers, words in (
        (
            Brokers((server.sasl,), Tls(other.ca), sasl),
            r"its certificate .*; check `tls.ca`",
        ),
        (Brokers((server.sasl,), Tls(), sasl), r"its certificate .*; check `tls.ca`"),
        (
            Brokers((elsewhere,), Tls(files.ca), sasl),
            r"its certificate .*not valid for 'localhost'",
        ),
        (Brokers((server.ssl,), Tls(files.ca)), "it wants a certificate of ours .* `tls.cert`"),
        (
            Brokers((server.ssl,), Tls(files.ca, other.client, other.client_key)),
            "it does not accept our certificate",
        ),
        (Brokers((server.sasl,), None, sasl), "it speaks TLS; say `tls.enabled: true`"),
        (Brokers((server.ssl,)), "it speaks TLS; say `tls.enabled: true`"),
        (Brokers((server.sasl,), Tls(files.ca)), "it asks who we are .*SCRAM-SHA-512.* `sasl`"),
        (Brokers((server.bootstrap,), None, sasl), "it does not ask who we are; leave out `sasl`"),
        (
            Brokers((server.sasl,), Tls(files.ca), Sasl("SCRAM-SHA-1", USER, PASSWORD)),
            r"it does not take SCRAM-SHA-1 \(it offers .*PLAIN.*`sasl.mechanism`",
        ),
    ):
        with pytest.raises(InputError, match=rf"^kafka {brokers.bootstrap[0]}: {words}"):
            read(brokers, topic, client, connect_seconds=FOR_EVER)


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_what_may_pass_is_said_at_once_and_tried_on(server, files, topic, client, said):
    sasl = Sasl("PLAIN", USER, PASSWORD)
    silent = socket.create_server(("127.0.0.1", 0))
    with closing(silent):
        mute = f"127.0.0.1:{silent.getsockname()[1]}"
        for brokers, words in (
            (Brokers(("127.0.0.1:1",), Tls(files.ca), sasl), "nobody listens there"),
            (Brokers(("kafka.invalid:9092",), Tls(files.ca), sasl), "its name is not known"),
            (Brokers((server.bootstrap,), Tls(files.ca), sasl), "instead of speaking TLS"),
            (Brokers((mute,)), "no answer within"),
        ):
            said.clear()
            with pytest.raises(
                InputError, match=rf"{brokers.bootstrap[0]}: .*{words}.*tried for 1\.5 s.*bootstrap"
            ):
                read(brokers, topic, client, connect_seconds=1.5)
            assert words in said.messages[0]
            assert "it is tried for 1.5 s" in said.messages[0]


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_a_name_that_is_not_checked_and_brokers_of_which_one_is_away(server, files, topic, client):
    sasl = Sasl("PLAIN", USER, PASSWORD)
    named = server.sasl.replace("127.0.0.1", "localhost")
    for brokers in (
        Brokers((named,), Tls(files.ca, check_hostname=False), sasl),
        Brokers(("127.0.0.1:1", server.sasl), Tls(files.ca), sasl),
    ):
        assert read(brokers, topic, client) == [b"one", b"two"]


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_a_password_that_is_changed_while_it_reads_ends_it_and_is_said(
    server, files, topic, client, said, monkeypatch
):
    """Who is in stays in, until it has to sign in again."""
    monkeypatch.setattr("monitor.sources.kafka._QUIET_SECONDS", 0.5)
    server.set_password("leaver", "first-geheim")
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl("SCRAM-SHA-256", "leaver", "first-geheim"))
    wanted = KafkaOptions(brokers, (topic,), client=client, group=f"{topic}-{client}-leaver")
    with closing(KafkaSource(wanted)) as source:
        source.start({})
        assert source.poll(30) is not None
        server.set_password("leaver", "second-geheim")
        with pytest.raises(
            InputError, match=r"user and password; check `sasl`|SaslAuthenticationFailed.*`sasl`"
        ):
            source.poll(60)
    assert "geheim" not in said.text


@kafka_only
def test_why_dead_letters_and_alerts_are_not_let_in(server, files, said):
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl("SCRAM-SHA-512", USER, "geheim"))
    with pytest.raises(
        SettingsError, match=r"dead_letters\.topic: dead cannot be written: .*authentication failed"
    ):
        DeadLetterTopic(brokers, "dead", "default").check()
    with closing(TopicTarget(Manner("soc", patience=1.0), brokers, "alerts")) as target:
        threads = threading.active_count()
        for _ in range(2):
            assert target.send([NOTICE], CLOCK.now()) == [Outcome(BROKER)]
        assert threading.active_count() <= threads, "nothing is left of what could not be built"
    assert (
        sum("alerts for soc: kafka" in one and "authentication failed" in one for one in said.messages) == 1
    )
    assert "geheim" not in said.text


@kafka_only
def test_dead_letters_and_alerts_are_let_in_too(server, files):
    kafka = Kafka(server.bootstrap)
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl("SCRAM-SHA-512", USER, PASSWORD))
    dead, alerts = kafka.topic(), kafka.topic()
    with closing(DeadLetterTopic(brokers, dead, "default")) as letters:
        letters.check()
        letters.put([Reject("logs-0", 1, "not_json", 5)])
        assert letters.flush() == 1
    with closing(TopicTarget(Manner("soc"), brokers, alerts)) as target:
        assert target.send([NOTICE], CLOCK.now()) == [TAKEN]


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_the_daemon_is_told_by_its_settings(server, files, client, tmp_path: Path):
    """Reading, dead letters and alerts, each let in, and the password nowhere that anybody looks."""
    kafka = Kafka(server.bootstrap)
    logs, dead, alerts = kafka.topic(), kafka.topic(), kafka.topic()
    leak = b'{"message": "sent to ada.wellenbrook@nordwind-shop.de", "service": {"name": "shop"}}'
    kafka.produce(logs, [leak, b"{cut", leak])
    (tmp_path / "password").write_text(PASSWORD)
    access = {
        "bootstrap": server.sasl,
        "tls": {"ca": str(files.ca)},
        "sasl": {"mechanism": "SCRAM-SHA-512", "user": USER, "password_file": "password"},
    }
    config = tmp_path / "privwatch.yml"
    told = {
        "sources": {"kafka": {**access, "topics": [logs], "group": logs, "client": client}},
        "store": "store.db",
        "key": "key",
        "metrics": {"port": 0},
        "dead_letters": {"topic": dead},
        "alerts": {"kafka": {"bus": {**access, "topic": alerts}}},
    }
    config.write_text(yaml.safe_dump(told))
    assert "rules" in check_settings(load_settings(config, {}))
    daemon = Daemon(config)
    daemon.wait_for(3)
    assert kafka.wait_for(dead, 1) == [f"{logs}-0".encode()]
    assert len(kafka.wait_for(alerts, 1)) == 1
    assert daemon.stop() == 0
    assert PASSWORD not in daemon.said + daemon.rest


def test_tokens_are_kept_until_most_of_their_life_is_over(receiver: Receiver):
    clock = ManualClock(1_000_000_000)
    tokens = ClientCredentials(Credentials(receiver.url, "id", "geheim"), clock)
    receiver.always = gives(access_token="first", expires_in=100)
    assert (tokens.token().text, tokens.token().expires) == ("first", 1100.0)
    receiver.always = gives(access_token="second", expires_in=100)
    clock.sleep(79)
    assert tokens.token().text == "first"
    clock.sleep(2)
    assert tokens.token().text == "second"
    assert "second" not in repr(tokens.token())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(401), "answered 401"),
        (gives(error="invalid_client"), "gave no `access_token`"),
        (gives(access_token="two\nlines"), "gave no `access_token`"),
        (status(200), "gave no JSON object"),
    ],
)
def test_an_endpoint_that_gives_no_token(receiver: Receiver, answer, said):
    receiver.always = answer
    tokens = ClientCredentials(Credentials(receiver.url, "id", "geheim"), CLOCK)
    with pytest.raises(TokenError, match=said) as caught:
        tokens.token()
    assert "geheim" not in str(caught.value)


def test_an_endpoint_that_is_not_there():
    with pytest.raises(TokenError, match=r"http://127\.0\.0\.1:1 cannot be reached"):
        ClientCredentials(Credentials("http://127.0.0.1:1", "id", "s"), CLOCK).token()


def test_a_token_file_is_read_anew_and_a_token_that_is_over_is_not_shown(tmp_path: Path):
    file = tmp_path / "token"
    tokens = TokenFile(file, CLOCK)
    with pytest.raises(TokenError, match="cannot be read"):
        tokens.token()
    file.write_text("opaque\n")
    assert tokens.token().text == "opaque"
    file.write_text(bearer(60))
    assert 50 < tokens.token().expires - CLOCK.now() / 1e6 <= 60
    file.write_text(bearer(-1))
    with pytest.raises(TokenError, match="is over"):
        tokens.token()
    file.write_text("")
    with pytest.raises(TokenError, match="holds no token"):
        tokens.token()
