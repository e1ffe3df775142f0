"""The relay between a database, real or simulated, and the real Kafka: each record once, in order, wherever it is torn
down.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka.structs import ConsumerRecord

from projections.memory_tables import STATEMENTS
from streams.kafka import client_options
from streams.settings import Settings
from streams.station import relay as relaying
from streams.station.outbox import Outgoing, put
from streams.station.relay import Relay
from streams.topics import Topics
from tests.roles import Topic, reading
from tests.site import make_site, telemetry_topic
from tests.station.databases import Memory, Postgres

PARTITIONS = 4
DEADLINE_S = 20.0
FAILS = "SELECT 1 / (CASE WHEN $1 > 0 THEN 0 ELSE 1 END)"
Port = Memory | Postgres


def fails(_: Any, sent: int) -> list[Any]:
    """``FAILS``, in the simulated database."""
    if sent > 0:
        raise asyncpg.DivisionByZeroError("division by zero")
    return []


class Site:
    """Relays of one application, and what they have sent."""

    def __init__(self, settings: Settings, database: Port, topics: Topics, seen: Topic, ends: list[Any]) -> None:
        self.settings, self.database, self.topics, self.seen, self.ends = settings, database, topics, seen, ends
        self.topic = telemetry_topic(settings)

    def relay(self) -> Relay:
        client = client_options(self.settings)
        partitions = {self.topic: PARTITIONS}
        return Relay(
            self.database.url, client, f"{self.settings.app_id}-outbox", partitions, lambda *why: self.ends.append(why)
        )

    async def left(self, *, numbered: bool = False) -> int:
        """Records in the table."""
        rows = await self.database.rows("station_outbox")
        return sum(row["seq"] is not None or not numbered for row in rows)

    def record(self, number: int) -> Outgoing:
        return Outgoing(self.topic, None, b"ann", str(number).encode(), (("h", b"\x00"), ("none", None)))


@pytest.fixture
async def connection(database: Port) -> Any:
    """Of whoever fills the outbox."""
    return await database.connect()


@pytest.fixture
async def site(settings: Settings, database: Port, tmp_path: Path) -> AsyncIterator[Site]:
    own, topics = await make_site(settings, tmp_path)
    async with reading(own, telemetry_topic(own), PARTITIONS) as seen:
        yield Site(own, database, topics, seen, [])


def values(records: Sequence[ConsumerRecord]) -> list[int]:
    return [int(record.value) for record in records]


async def test_records_go_out_in_order_and_leave_the_table(site: Site, connection: Any) -> None:
    relay = site.relay()
    await relay.start()
    for number in range(30):
        async with connection.transaction():
            await put(connection, [site.record(2 * number), site.record(2 * number + 1)])
    found = await site.seen.count(60)
    assert values(found) == list(range(60))
    assert {record.partition for record in found} == {found[0].partition}
    assert (found[0].key, list(found[0].headers)) == (b"ann", [("h", b"\x00"), ("none", None)])
    await relay.stop()
    assert site.ends == []
    next_one = site.relay()
    await put(connection, [site.record(60)])
    await next_one.start()
    await site.seen.count(61)
    assert await site.left() <= 1
    await next_one.stop()


async def test_a_transaction_that_was_rolled_back_sends_nothing(site: Site, connection: Any) -> None:
    relay = site.relay()
    await relay.start()
    with contextlib.suppress(ZeroDivisionError):
        async with connection.transaction():
            await put(connection, [site.record(1)])
            _ = 1 // 0  # rolls back
    await put(connection, [site.record(2)])
    assert values(await site.seen.count(1)) == [2]
    await relay.stop()


async def test_a_relay_that_dies_between_kafka_and_the_database_sends_nothing_twice(
    site: Site, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(connection, [site.record(number) for number in range(10)])
    with monkeypatch.context() as patched:
        patched.setattr(relaying, "_DELETE", FAILS)  # Kafka has them all by then
        patched.setitem(STATEMENTS, FAILS, fails)
        first = site.relay()
        first._fatal = lambda *_: None
        await first.start()
        await site.seen.count(10)
        await first.stop()
    assert await site.left(numbered=True) == 10
    await put(connection, [site.record(number) for number in range(10, 20)])
    second = site.relay()
    await second.start()
    assert values(await site.seen.count(20)) == list(range(20))
    async with asyncio.timeout(DEADLINE_S):  # Kafka has them before they leave the table
        while await site.left():  # noqa: ASYNC110  of another session
            await asyncio.sleep(0)
    await second.stop()


async def test_relays_that_come_and_go_send_each_record_once(site: Site, connection: Any) -> None:
    async def write() -> None:
        for number in range(200):
            await put(connection, [site.record(number)])

    writing = asyncio.create_task(write())
    relays = [site.relay() for _ in range(3)]
    for relay in relays:
        await relay.start()
    await site.seen.count(20)
    for relay in relays:  # the one that leads goes, another takes over in the middle of it
        await relay.stop()
        again = site.relay()
        await again.start()
        await site.seen.look()
        await again.stop()
    await writing
    last = site.relay()
    await last.start()
    assert values(await site.seen.count(200)) == list(range(200))
    await site.seen.look()
    assert len(site.seen.records) == 200
    await last.stop()
    assert site.ends == []


async def test_a_database_that_was_restored_sends_what_is_new(site: Site, connection: Any) -> None:
    """Its sequence has gone back behind what Kafka has."""
    first = site.relay()
    await put(connection, [site.record(number) for number in range(5)])
    await first.start()
    await site.seen.count(5)
    await first.stop()
    await site.database.restore_sequence()
    await put(connection, [site.record(5)])
    second = site.relay()
    await second.start()
    assert values(await site.seen.count(6)) == list(range(6))
    await second.stop()
