"""Both clients, and the topics we write to, over TLS and SASL at a real Apache Kafka."""

import base64
import gc
import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from monitor.app import check_settings
from monitor.brokers.access import Brokers, Sasl, Tls
from monitor.brokers.tokens import ClientCredentials, Credentials, TokenError, TokenFile
from monitor.clock import ManualClock, SystemClock
from monitor.errors import InputError
from monitor.frames import Values
from monitor.model import Reject
from monitor.outbox import TAKEN, Manner
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
def test_a_wrong_password_is_said_and_not_shown(server, files, topic, client, said):
    brokers = Brokers((server.sasl,), Tls(files.ca), Sasl("SCRAM-SHA-256", USER, "geheim"))
    with pytest.raises(InputError, match=r"check `.*sasl`"):
        read(brokers, topic, client, connect_seconds=3)
    assert "uthentication failed" in said.text, "the client's own words say which it is"
    assert "geheim" not in said.text


@kafka_only
@pytest.mark.parametrize("client", CLIENTS)
def test_a_broker_we_cannot_trust_is_refused(server, files, topic, client, tmp_path):
    other = authority(tmp_path, "other")
    sasl = Sasl("PLAIN", USER, PASSWORD)
    for address, tls in (
        (server.sasl, Tls(other.ca)),
        (server.sasl, Tls()),
        (server.sasl.replace("127.0.0.1", "localhost"), Tls(files.ca)),
        (server.ssl, Tls(files.ca)),
    ):
        with pytest.raises(InputError, match=r"no broker answered within 1\.5 s; check `bootstrap`, `tls`"):
            read(
                Brokers((address,), tls, sasl if address != server.ssl else None),
                topic,
                client,
                connect_seconds=1.5,
            )
    named = server.sasl.replace("127.0.0.1", "localhost")
    brokers = Brokers((named,), Tls(files.ca, check_hostname=False), sasl)
    assert read(brokers, topic, client) == [b"one", b"two"]


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
