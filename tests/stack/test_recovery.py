"""A whole stack of its own: what was acknowledged outlives kill -9 and a stop, under the durable settings."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.settings import Settings
from tests.stack.test_supervisor import pid_of, spec, until
from weir.stack.errors import StackError
from weir.stack.ports import free_ports
from weir.stack.stack import Stack

TOPIC = TopicPartition("recovery", 0)


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    home = Path(tempfile.mkdtemp(prefix="weir tests, with spaces and ümläut "))
    home.chmod(0o755)
    stack = Stack(home, free_ports(26000, 29999))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home)


def kill(stack: Stack, name: str) -> int:
    """Send SIGKILL to a service; returns when `status` has seen it."""
    pid = next(one.pid for one in stack.status() if one.name == name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while next(one.state for one in stack.status() if one.name == name) != "dead":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return pid


async def produce(stack: Stack, values: list[bytes], transactional_id: str) -> None:
    """Committed, and so acknowledged, when this returns."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.urls.brokers, transactional_id=transactional_id)
    await producer.start()
    try:
        async with producer.transaction():
            for value in values:
                await producer.send_and_wait(TOPIC.topic, value, partition=TOPIC.partition)
    finally:
        await producer.stop()


async def consume(stack: Stack, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.urls.brokers, isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign([TOPIC])
        await consumer.seek_to_beginning(TOPIC)
        values: list[bytes] = []
        async with asyncio.timeout(20):
            while len(values) < count:
                values.append((await consumer.getone()).value)
        return values
    finally:
        await consumer.stop()


@pytest.mark.parametrize("round_", [1, 2])
async def test_kafka_keeps_what_it_acknowledged_over_kill_9(own_stack: Stack, round_: int):
    if round_ == 1:
        admin = AIOKafkaAdminClient(bootstrap_servers=own_stack.urls.brokers)
        await admin.start()
        await admin.create_topics([NewTopic(TOPIC.topic, 1, 1)])
        await admin.close()
    await produce(own_stack, [b"%d-%d" % (round_, i) for i in range(100)], f"writer-{round_}")
    kill(own_stack, "kafka")
    own_stack.up()
    expected = [b"%d-%d" % (one, i) for one in range(1, round_ + 1) for i in range(100)]
    assert await consume(own_stack, len(expected)) == expected


@pytest.mark.parametrize("how", ["kill", "kill with its pid recycled", "down"])
async def test_postgres_keeps_what_it_committed(own_stack: Stack, how: str):
    connection = await asyncpg.connect(own_stack.urls.database_url)
    await connection.execute("create table if not exists note (text text primary key)")
    await connection.execute("insert into note values ($1)", how)
    await connection.close()
    if how == "down":
        own_stack.down()
    else:
        pid = kill(own_stack, "postgres")
    if how == "kill with its pid recycled":
        pid_file = (own_stack.home / "postgres").resolve() / "data" / "postmaster.pid"
        account = psutil.Process(next(iter(psutil.pids())))  # pid 1: it lives, and is no database server
        text = pid_file.read_text()
        pid_file.write_text(text.replace(str(pid), str(account.pid), 1))
    own_stack.up()
    connection = await asyncpg.connect(own_stack.urls.database_url)
    assert await connection.fetchval("select text from note where text = $1", how) == how
    assert await connection.fetchval("show fsync") == "on"
    await connection.close()


async def test_the_mqtt_broker_comes_back(own_stack: Stack):
    kill(own_stack, "mqtt")
    own_stack.up()
    assert [one.state for one in own_stack.status()] == ["running"] * 3


async def test_the_database_role_is_no_superuser(own_stack: Stack):
    """Anyone on the machine may connect as it."""
    connection = await asyncpg.connect(own_stack.urls.database_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("copy (select 1) to program 'true'")
    await connection.close()
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(own_stack.urls.database_url.replace("weir@", "postgres@"))


async def test_status_tells_a_hung_service(own_stack: Stack):
    pid = next(one.pid for one in own_stack.status() if one.name == "mqtt")
    os.kill(pid, signal.SIGSTOP)
    try:
        mqtt = next(one for one in own_stack.status() if one.name == "mqtt")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert mqtt.state == "unhealthy"
    assert mqtt.pid == pid


def test_services_of_the_users_own_are_checked_and_never_started(own_stack: Stack, tmp_path: Path):
    urls = own_stack.urls
    settings = Settings(_env_file=None, brokers=urls.brokers, database_url=urls.database_url, mqtt_url=urls.mqtt_url)
    other = Stack(tmp_path, free_ports(26000, 29999), settings=settings)
    assert other.up() == urls
    assert [one.state for one in other.status()] == ["external"] * 3
    other.down()
    assert [one.state for one in own_stack.status()] == ["running"] * 3


def test_a_service_of_the_users_own_that_does_not_answer(tmp_path: Path):
    ports = free_ports(26000, 29999)
    url = f"postgresql://plant:secret@127.0.0.1:{ports.postgres}/plant"
    stack = Stack(tmp_path, settings=Settings(_env_file=None, database_url=url))
    with pytest.raises(StackError, match="DATABASE_URL") as caught:
        stack.up()
    assert "secret" not in str(caught.value)
    [_, status, _] = stack.status()
    assert status.state == "unhealthy"
    assert status.url == f"postgresql://plant@127.0.0.1:{ports.postgres}/plant"


async def test_under_a_supervisor_services_that_are_killed_come_back_by_themselves(own_stack: Stack):
    own_stack.up()
    await produce(own_stack, [b"last"], "writer-3")
    own_stack.supervise([spec(own_stack, "processor")])
    for one in own_stack.status()[:3]:
        os.kill(pid_of(own_stack, one.name), signal.SIGKILL)
    until(
        lambda: all((one.state, one.restarts) == ("running", 1) for one in own_stack.status()[:3]), "the services", 120
    )
    assert (await consume(own_stack, 201))[-1] == b"last"
    connection = await asyncpg.connect(own_stack.urls.database_url)
    assert await connection.fetchval("select count(*) from note") > 0
    await connection.close()
