"""A real single-node Apache Kafka (KRaft) for tests: started, waited for, stopped, started again."""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from monitor.clock import SystemClock
from tests.support import kafka_jars
from tests.support.certificates import Certificates
from tests.support.ports import free_ports

CLOCK = SystemClock()

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=20000000
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
USER, PASSWORD = "privwatch", "a-password-for-tests"
# Beside the one in clear, which the tests themselves use: SASL_SSL with every mechanism, SSL that asks for a
# client's certificate. Tokens are of the kind without a signature: signing is between server and endpoint.
SECURE = """\
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PKCS12
ssl.keystore.location={files.server_store}
ssl.keystore.password={files.password}
ssl.truststore.type=PEM
ssl.truststore.location={files.ca}
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required \\
  user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-256.connections.max.reauth.ms={signed_in}
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={modules}.oauthbearer.OAuthBearerLoginModule required \\
  unsecuredLoginStringClaim_sub="broker";
"""
SIGNED_IN_SECONDS = 4
"""With SCRAM-SHA-256 one is let in for so long, and has to sign in again."""
START_SECONDS = 300
# ApiVersions, version 0: length, API key 18, version, correlation id, no client id.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class KafkaServer:
    """One broker on free ports of the loopback address; its data lives in a temporary folder.

    Args:
        secure: certificates for listeners `sasl` and `ssl` beside the one in clear.
    """

    def __init__(self, secure: Certificates | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="privwatch-kafka-"))
        self._port, controller, sasl, ssl = free_ports(4)
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._config = self._folder / "server.properties"
        text = PROPERTIES.format(port=self._port, controller=controller, folder=self._folder)
        scram: list[str] = []
        if secure is not None:
            text += SECURE.format(
                port=self._port,
                sasl=sasl,
                ssl=ssl,
                controller=controller,
                files=secure,
                modules="org.apache.kafka.common.security",
                user=USER,
                password=PASSWORD,
                signed_in=1000 * SIGNED_IN_SECONDS,
            )
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                scram += ["-S", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        self.sasl, self.ssl = f"127.0.0.1:{sasl}", f"127.0.0.1:{ssl}"
        self._config.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        cluster = uuid.uuid4().hex[:22]
        subprocess.run(
            [
                *java(),
                "kafka.tools.StorageTool",
                "format",
                "-t",
                cluster,
                "-c",
                str(self._config),
                *scram,
            ],
            check=True,
            capture_output=True,
            timeout=START_SECONDS,
        )

    @property
    def running(self) -> bool:
        """Whether it was started, and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*java(), "kafka.Kafka", str(self._config)], stdout=log, stderr=log
            )
        deadline = CLOCK.monotonic() + START_SECONDS
        while not answers(self.bootstrap):
            if self._process.poll() is not None or CLOCK.monotonic() > deadline:
                tail = (self._folder / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Apache Kafka did not start:\n{tail}")
            CLOCK.sleep(0.2)

    def stop(self) -> None:
        """Stop the broker; its data stays for another `start`."""
        if self._process is not None:
            # Asked to stop it hands its registration back; killed, it could not start again for seconds.
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30)
            self._process = None

    def set_password(self, user: str, password: str) -> None:
        """Let a user in by that password alone, with SCRAM-SHA-256; who is in already stays in a while."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        wanted = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        change = UserScramCredentialUpsertion(user, wanted, password.encode())
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(30)

    def segment(self, topic: str, partition: int = 0) -> Path:
        """The file of a partition's first records; the broker must not run while it is changed."""
        return self._folder / "data" / f"{topic}-{partition}" / "00000000000000000000.log"

    def close(self) -> None:
        """Stop the broker and forget its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Kafka:
    """What a test does with a broker, its own or one that PRIVWATCH_TEST_KAFKA names."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def topic(self, partitions: int = 1, *, name: str = "", **config: str) -> str:
        """A topic of its own, empty."""
        name = name or f"privwatch-test-{uuid.uuid4().hex[:12]}"
        with _admin(self.bootstrap) as admin:
            admin.create_topics(
                {name: {"num_partitions": partitions, "replication_factor": 1, "configs": config}},
                wait_for_metadata=True,
            )
        return name

    def produce(self, topic: str, values: Iterable[bytes | None], partition: int = 0) -> None:
        """Append records and wait until the broker has them."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            max_request_size=20_000_000,
            linger_ms=5,
        )
        try:
            pending = [producer.send(topic, value=value, key=b"k", partition=partition) for value in values]
            for future in pending:
                future.get(60)
        finally:
            producer.close()

    def produce_aborted(self, topic: str, values: Iterable[bytes]) -> None:
        """Append records in a transaction and take it back."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, transactional_id=uuid.uuid4().hex)
        try:
            producer.init_transactions()
            producer.begin_transaction()
            for value in values:
                producer.send(topic, value=value, partition=0)
            producer.flush()
            producer.abort_transaction()
        finally:
            producer.close()

    def wait_for(self, topic: str, records: int, seconds: float = 60) -> list[bytes | None]:
        """Keys of the records of a topic's first partition, once there are so many."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        partition = TopicPartition(topic, 0)
        found: list[bytes | None] = []
        deadline = CLOCK.monotonic() + seconds
        try:
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            while len(found) < records:
                assert CLOCK.monotonic() < deadline, f"{len(found)} of {records} records in {topic}"
                for some in consumer.poll(timeout_ms=200).values():
                    found += [record.key for record in some]
        finally:
            consumer.close(autocommit=False)
        return found

    def delete_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """Have the broker delete records, as retention does."""
        with _admin(self.bootstrap) as admin:
            admin.delete_records({TopicPartition(topic, partition): offset})


def java() -> list[str]:
    """The command that runs a class of Kafka's."""
    classpath = str(kafka_jars.FOLDER / kafka_jars.VERSION / "*")
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", "-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", quiet, "-cp", classpath]


def named_broker() -> str | None:
    """The broker a person gave for the tests."""
    return os.environ.get("PRIVWATCH_TEST_KAFKA") or None


def _admin(bootstrap: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=bootstrap)


def answers(bootstrap: str) -> bool:
    """Whether the broker answers the first request every client sends."""
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 2) as connection:
            connection.sendall(API_VERSIONS)
            return len(connection.recv(4)) == 4
    except OSError:
        return False
