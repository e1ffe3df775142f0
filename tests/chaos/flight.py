"""Somebody who reads every topic along with the roles, and so knows what is in flight (``in_flight``).

By it a fault knows that it has hit work, the load that the roles cannot keep up, and the run that everything has come
to rest.  The judge takes nothing from here: it reads the log anew.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from tests.chaos.in_flight import InFlight
from tests.chaos.sent import Book

POLL_S = 0.1
HIT_S = 1.0
TIMEOUT_S = 5.0
PROJECTED = "SELECT topic, partition, position FROM projection_positions"
TAKEN_IN = "SELECT topic, partition, position FROM station_positions"
OUTGOING = "SELECT count(*) FROM station_outbox"


class Flight(InFlight):
    """``start`` it before the load."""

    def __init__(self, settings: Settings, topics: Topics, book: Book) -> None:
        super().__init__(topics, book)
        self.changed_at = time.monotonic()
        """When something was last read."""
        self._settings, self._topics = settings, topics
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await consumer.start()
        consumer.assign(
            [TopicPartition(topic.name, number) for topic in self._topics.all() for number in range(topic.partitions)]
        )
        self._tasks = [asyncio.create_task(self._read(consumer)), asyncio.create_task(self._ask_database())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check(self) -> None:
        """Raise what has ended the reading."""
        for task in self._tasks:
            if task.done():
                task.result()

    def resting(self) -> bool:
        """Nothing is in flight."""
        return not any(self.gauges().values())

    async def hit(self, stages: Iterable[str]) -> bool:
        """Whether work of one of ``stages`` is in flight, now or within a second."""
        until = time.monotonic() + HIT_S
        while True:
            gauges = self.gauges()
            if any(gauges[stage] for stage in stages):
                return True
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.02)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        try:
            while True:
                for place, records in (await consumer.getmany(timeout_ms=round(POLL_S * 1000))).items():
                    self.changed_at = time.monotonic()
                    for record in records:
                        self.take(place.topic, place.partition, record)
        finally:
            with suppress(KafkaError):
                await consumer.stop()

    async def _ask_database(self) -> None:
        """Where the database is, whenever it answers."""
        while True:
            try:
                connection = await asyncpg.connect(
                    self._settings.database_url, timeout=TIMEOUT_S, command_timeout=TIMEOUT_S
                )
                try:
                    while True:
                        self.positions = await _positions(connection, PROJECTED)
                        self.taken_in = await _positions(connection, TAKEN_IN)
                        self.outgoing = await connection.fetchval(OUTGOING)
                        await asyncio.sleep(POLL_S)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await asyncio.sleep(POLL_S)


async def _positions(connection: asyncpg.Connection, query: str) -> dict[tuple[str, int], int]:
    return {(row["topic"], row["partition"]): row["position"] for row in await connection.fetch(query)}
