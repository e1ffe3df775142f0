"""A migrated database and a projector on it, with everything it talks to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from projections.dead_letters import KeptDeadLetters
from projections.projector import Projector
from projections.topic_log import FixedTopicLog
from streams.core.clock import PlantClock
from streams.database import Database
from streams.settings import Settings
from streams.transport.port import TopicPartition
from tests.projections.replaying import ReplaySite, replay_site
from tests.projections.story import IDS, TOPICS
from tests.site import make_site, migrated


@dataclass
class World:
    """A projector on a database, with everything it talks to."""

    url: str
    projector: Projector
    database: Database
    dead_letters: KeptDeadLetters
    connection: asyncpg.Connection

    async def begin(self, *topics: str, partitions: int = 1) -> dict[TopicPartition, int | None]:
        tps = [TopicPartition(topic, partition) for topic in topics or TOPICS for partition in range(partitions)]
        return await self.projector.positions(tps)

    async def rows(self, query: str, *args: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.connection.fetch(query, *args)]

    async def position(self, topic: str, partition: int = 0) -> int:
        query = "SELECT position FROM projection_positions WHERE topic = $1 AND partition = $2"
        return await self.connection.fetchval(query, topic, partition)


@pytest.fixture
def database_url(fresh_database: Callable[..., str]) -> str:
    """A database with the newest schema."""
    return fresh_database(migrated)


@asynccontextmanager
async def world_of(url: str, **options: Any) -> AsyncIterator[World]:
    """A projector on the database with that URL."""
    topic_log = FixedTopicLog(options.pop("ids", dict(IDS)), options.pop("starts", None))
    database = Database(url, statement_timeout_s=options.pop("statement_timeout_s", 30.0))
    dead_letters = KeptDeadLetters()
    connection = await asyncpg.connect(url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=msgspec.json.decode)
    projector = Projector(
        database,
        TOPICS,
        topic_log=topic_log,
        dead_letters=options.pop("dead_letters", dead_letters),
        clock=options.pop("clock", PlantClock()),
        **options,
    )
    try:
        yield World(url, projector, database, dead_letters, connection)
    finally:
        await connection.close()
        database.close()


@pytest.fixture
def new_world(database_url: str) -> Callable[..., Any]:
    """Makes another projector on the same database, for ``async with``."""
    return lambda url=database_url, **options: world_of(url, **options)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with world_of(database_url) as made:
        yield made


@pytest.fixture
async def site(settings: Settings, database_url: str, tmp_path: Path) -> AsyncIterator[ReplaySite]:
    own, topics = await make_site(settings.model_copy(update={"database_url": database_url}), tmp_path)
    async with replay_site(own, topics) as made:
        yield made
