"""A site whose topics are written by the test, a projected database, and replays of it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from projections.dead_letters import KeptDeadLetters
from projections.feeds import feeds_of
from projections.projector import Projector
from projections.replay import Progress, ReplayReport, replay_projections
from projections.replay.shadow import PROJECTED, positions_of
from projections.topic_log import KafkaTopicLog
from streams.database import Database
from streams.kafka import client_options
from streams.log import Span, opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from tests.projections.story import T0, FakeBatch, Story, cooling, write_of

Rows = dict[str, list[str]]


@dataclass
class ReplaySite:
    """``write`` puts records on the topics, ``project`` is the live projector; ``stories`` holds what was written."""

    settings: Settings
    topics: Topics
    producer: AIOKafkaProducer
    connection: asyncpg.Connection
    stories: list[Story] = field(default_factory=list)
    said: list[Progress] = field(default_factory=list)
    versions: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def telemetry(self) -> str:
        return next(iter(self.topics.telemetry))

    async def write(self, instances: int = 12, readings: int = 40, *, broken: int = 0) -> None:
        """Instances that are over, that failed, and that go on; interleaved, as a partition has them."""
        first = len(self.stories)
        new = [_story(number) for number in range(first, first + instances)]
        self.stories += new
        for events in itertools.zip_longest(*(zip(itertools.repeat(story), story.values) for story in new)):
            for story, value in filter(None, events):
                await self.producer.send(self.topics.events.name, value, story.id.encode(), story.partition)
        for number in range(readings):
            reading = {"tags": {"device_id": f"hp-{number % 5}"}, "fields": {"n": first + number}, "timestamp": T0}
            await self.producer.send(self.telemetry, orjson.dumps(reading), partition=number % 4)
        for _ in range(broken):
            await self.producer.send(self.telemetry, b"{broken", partition=0)
        version = next(self.versions)
        definition = {"v": 1, "id": "d", "version": version, "name": "D", "hash": f"h{version}", "definition": {}}
        definition["deployed_at"] = "2026-09-21T14:13:20Z"
        await self.producer.send(self.topics.definitions.name, orjson.dumps(definition), b"d:%d" % version)
        activation = {"v": 2, "kind": "activation", "id": "d", "active": version, "changed_at": "2026-09-21T14:13:20Z"}
        await self.producer.send(self.topics.definitions.name, orjson.dumps(activation), b"d")
        await self.producer.flush()

    async def audit(self, writes: int) -> None:
        """What the gateway was asked for."""
        for number in range(writes):
            await self.producer.send(self.topics.audit.name, write_of(number), b"ada", partition=0)
        await self.producer.flush()

    async def project(self, url: str | None = None) -> None:
        """Be the live projector up to the end of the topics."""
        await project_all(self.settings, self.topics, url or self.settings.database_url)

    async def replay(self, **options: Any) -> ReplayReport:
        return await replay_projections(self.settings, self.topics, self.said.append, **options)

    async def rows(self) -> Rows:
        return await rows_of(self.connection)

    async def history(self) -> set[tuple[str, int, str]]:
        rows = await self.connection.fetch("SELECT instance_id, seq, event_type FROM process_history")
        assert len({(row["instance_id"], row["seq"]) for row in rows}) == len(rows)
        return {(str(row["instance_id"]), row["seq"], row["event_type"]) for row in rows}

    @property
    def told(self) -> set[tuple[str, int, str]]:
        """What ``history`` must be."""
        return {(story.id, event.seq, event.type) for story in self.stories for event in story.events}

    @property
    def events(self) -> int:
        """How many were written."""
        return sum(len(story.events) for story in self.stories)

    async def position(self, topic: str) -> int:
        found = await positions_of(self.connection, "public")
        return sum(one.position for one in found if one.tp.topic == topic)


def _story(number: int) -> Story:
    cause, partition, started = f"cause {number}", number % 4, T0 + 60_000 * number
    if number % 3 == 0:
        return cooling(cause, partition, started, device=f"hp-{number % 7}")
    story = Story(cause, partition, started)
    story.tell("started", key=f"k-{number}", variables={"n": number}, trigger={})
    story.enter("wait", "timer").tell("variable_changed", "wait", name="n", value=number + 0.5, previous=number)
    if number % 3 == 2:
        return story.tell("failed", "wait", error_type="timeout", error="too late")
    asked = {"title": f"Task {number}", "priority": number % 100, "users": ["anna"], "form": {"required": ["n"]}}
    story.tell("task_created", "wait", execution=1, **asked)
    return story.tell("task_claimed", "wait", execution=1, user="anna") if number % 2 else story


@asynccontextmanager
async def replay_site(settings: Settings, topics: Topics) -> AsyncIterator[ReplaySite]:
    """On a database that is migrated and topics that are made."""
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        connection = await asyncpg.connect(settings.database_url)
        try:
            yield ReplaySite(settings, topics, producer, connection)
        finally:
            await connection.close()


async def rows_of(connection: asyncpg.Connection) -> Rows:
    """Every row of every projected table, as text."""
    return {
        table: [row[0] for row in await connection.fetch(f"SELECT t::text FROM {table} AS t ORDER BY 1")]
        for table in PROJECTED
    }


async def project_all(settings: Settings, topics: Topics, url: str, batch_records: int = 50) -> None:
    """Project all that the topics hold, as the projector's role would."""
    database = Database(url)
    feeds = feeds_of(topics)
    projector = Projector(
        database, feeds, topic_log=KafkaTopicLog(settings), dead_letters=KeptDeadLetters(), clock=settings.plant_clock
    )
    counts = {topic.name: topic.partitions for topic in topics.all()}
    tps = [TopicPartition(topic, number) for topic in feeds for number in range(counts[topic])]
    try:
        begins = await projector.positions(tps)
        async with opened(settings) as log:
            bounds = await log.settled(tps)
            spans = {tp: Span(begins[tp] or bounds[tp].start, bounds[tp].end) for tp in tps}
            async for chunk in log.read(spans):
                for batch in _split(chunk.tp, chunk.start, chunk.records, chunk.end, batch_records):
                    await projector.project(batch)
    finally:
        database.close()


def _split(tp: TopicPartition, start: int, records: Sequence[Any], end: int, size: int) -> list[FakeBatch]:
    batches = []
    for first in range(0, max(1, len(records)), size):
        part = records[first : first + size]
        last = end if first + size >= len(records) else part[-1].offset + 1
        batches.append(FakeBatch(tp, part, start, last))
        start = last
    return batches


async def until(holds: Any, deadline_s: float = 60.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
