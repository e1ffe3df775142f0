"""How far each role is behind: offsets between its position and the end of what it reads.

Positions are those in Kafka's consumer groups and in the database, which trail the true ones by about a second; offsets
include the markers of transactions, so that a role at rest may show a few.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics, group_of
from weir.database import connected

GROUP_ROLES = ("router", "processor", "actions")
Positions = Mapping[TopicPartition, int]


async def lags(settings: Settings, topics: Topics) -> dict[str, int]:
    """Offsets to go, by role.  Raises ``KafkaError``, ``UnreachableError``, ``NoSchemaError``."""
    async with AsyncExitStack() as stack:
        consumer = AIOKafkaConsumer(isolation_level="read_committed", **client_options(settings))
        stack.push_async_callback(consumer.stop)
        await consumer.start()
        admin = AIOKafkaAdminClient(**client_options(settings))
        stack.push_async_callback(admin.close)
        await admin.start()
        positions: dict[str, Positions] = {"projector": await _projected(settings)}
        for role in GROUP_ROLES:
            committed = await admin.list_consumer_group_offsets(group_of(settings, role))
            positions[role] = {place: found.offset for place, found in committed.items() if found.offset >= 0}
        known = {topic.name for topic in topics.all()}
        places = [place for found in positions.values() for place in found if place.topic in known]
        ends: Positions = await consumer.end_offsets(set(places))
    return {role: _behind(found, ends) for role, found in positions.items()}


async def _projected(settings: Settings) -> Positions:
    async with connected(settings) as connection:
        rows = await connection.fetch("SELECT topic, partition, position FROM projection_positions")
    return {TopicPartition(row["topic"], row["partition"]): row["position"] for row in rows}


def _behind(positions: Positions, ends: Positions) -> int:
    return sum(max(0, ends[place] - position) for place, position in positions.items() if place in ends)
