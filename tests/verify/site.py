"""A site whose log is written from the test, with instances in every state, and a database that holds it."""

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.written import WrittenLog
from projections.app import feeds_of
from projections.dead_letters import KeptDeadLetters
from projections.projector import Projector
from projections.topic_log import KafkaTopicLog
from streams.codec import decode_entity, decode_event, encode_event
from streams.core.apply import apply_event
from streams.core.commands import (
    DEFINITIONS_KEY,
    Cancel,
    CompleteActivity,
    DeactivateDefinition,
    FailActivity,
    Signal,
    StartProcess,
    TopicCommand,
)
from streams.core.durations import instant
from streams.core.events import Event
from streams.core.ids import partition_for, partition_of
from streams.database import Database
from streams.kafka import client_options
from streams.log import Span, opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from tests.core.plant import Folded
from weir.verify.report import Difference, Report
from weir.verify.run import verify

PROCESS = """
id: worker
version: 1
reference: "At ${temperature} °C"
trigger: {type: api}
variables: [{name: temperature}, {name: huge, value: 1.0e+22}, {name: answer, value: none}]
activities:
  - {id: check, type: decision, condition: temperature > 25, true_path: say, false_path: nap}
  - {id: say, type: service, action: log, config: {message: "Hot: ${temperature}"}}
  - {id: cool, type: service, action: mqtt_publish, output: {answer: command},
     config: {topic: plant, payload: {temperature: "${temperature}"}}, next: approve}
  - {id: nap, type: timer, duration: 10m}
  - {id: approve, type: message, name: go}
  - {id: end, type: end}
"""
MINUTE_MS = 60_000
TABLES = (
    "process_definitions",
    "definition_activations",
    "process_instances",
    "process_history",
    "projection_positions",
)


@dataclass
class Batch:
    """Records as the projector gets them."""

    tp: TopicPartition
    records: Any
    start: int
    end: int


@dataclass
class VerifySite:
    """``story`` tells instances by name: ``ids``."""

    settings: Settings
    topics: Topics
    log: WrittenLog
    database: asyncpg.Connection
    producer: AIOKafkaProducer
    now_ms: int
    ids: dict[str, str] = field(default_factory=dict)
    _planted: "itertools.count[int]" = field(default_factory=itertools.count)
    _records: set[tuple[str, int, bytes]] = field(default_factory=set)
    """Topic, partition and key of what was planted."""

    def home(self, key: str) -> int:
        """The partition of a business key."""
        return partition_for(key, self.topics.partitions)

    async def do(self, key: str, *commands: TopicCommand, after_ms: int = 250) -> list[Event]:
        self.now_ms += after_ms
        told = await self.log.do(self.home(key), commands, self.now_ms)
        return [decode_event(value or b"") for _, value, _ in told]

    async def start(self, name: str, temperature: float) -> None:
        """Start an instance under the key of the same name."""
        command = StartProcess(definition_id="worker", key=name, variables={"temperature": temperature})
        (started, *_) = await self.do(name, command)
        self.ids[name] = started.subject

    async def answer(self, name: str) -> None:
        """The action's result comes."""
        await self.do(
            name,
            CompleteActivity(
                instance_id=self.ids[name], activity_id="cool", execution=3, attempt=1, output={"command": "on"}
            ),
        )

    async def story(self) -> None:
        """Instances that wait for an action, a timer, a message; completed, failed, cancelled ones; held signals."""
        await self.log.deploy(PROCESS, self.now_ms)
        for name in ("message", "completed", "failed", "cancelled"):
            await self.start(name, 31.5)
        await self.start("rested", 20.5)
        for name in ("message", "completed"):
            await self.answer(name)
        failed = self.ids["failed"]
        await self.do(
            "failed",
            FailActivity(
                instance_id=failed, activity_id="cool", execution=3, attempt=1, error_type="mqtt", error="no broker"
            ),
        )
        await self.do("cancelled", Cancel(key="cancelled", reason="by hand"))
        await self.do("completed", Signal(name="go", key="completed", payload={"big": 1e22, "zero": -0.0, "n": 1.0}))
        await self.do("nobody", Signal(name="go", key="nobody"))
        await self.do("rested", after_ms=11 * MINUTE_MS)
        await self.start("action", 31.5)
        await self.start("timer", 20)
        await self.do(DEFINITIONS_KEY, DeactivateDefinition(definition_id="worker", reason="over"))
        await self.project()

    async def project(self) -> None:
        """Bring the database to the end of the log."""
        database = Database(self.settings.database_url)
        projector = Projector(
            database,
            feeds_of(self.topics),
            topic_log=KafkaTopicLog(self.settings),
            dead_letters=KeptDeadLetters(),
            clock=self.settings.plant_clock,
        )
        names = (self.topics.events.name, self.topics.definitions.name)
        tps = [TopicPartition(name, number) for name in names for number in range(self.topics.partitions)]
        tps = [tp for tp in tps if tp.topic != names[1] or tp.partition == 0]
        try:
            positions = await projector.positions(tps)
            async with opened(self.settings) as log:
                ends = await log.settled(tps)
                spans = {tp: Span(positions[tp] or 0, ends[tp].end) for tp in tps}
                async for chunk in log.read(spans):
                    await projector.project(Batch(chunk.tp, chunk.records, chunk.start, chunk.end))
        finally:
            database.close()

    async def verify(self, only: str | None = None) -> Report:
        return await verify(self.settings, self.topics, lambda _done, _total: None, only)

    async def differences(self, name: str | None = None) -> list[Difference]:
        """What is found; all of it about the instance ``name``, where that is given."""
        report = await self.verify()
        assert report.ok is (not report.differences)
        if name is not None:
            assert {one.subject for one in report.differences} <= {self.ids[name]}, report.differences
        return report.differences

    async def put_state(self, key: str, entity_id: str, raw: bytes | None) -> None:
        """Plant a record of the table in the partition of ``key``."""
        await self.put_record(self.topics.changelog.name, self.home(key), entity_id.encode(), raw)

    async def plant(
        self,
        name: str,
        type_: str,
        data: dict[str, Any],
        activity: str | None = None,
        *,
        seq: int | None = None,
        skip: int = 0,
        after_ms: int = 0,
        partition: int | None = None,
        in_table: bool = False,
        cause: str | None = None,
    ) -> None:
        """Plant an event, ``skip`` seqs and ``after_ms`` behind its last; ``in_table``: its state as well.

        By default each has a command of its own as its ``cause``, behind all others.
        """
        home = partition_of(self.ids[name]) if partition is None else partition
        known = self.log.contents.parts[self.home(name)].get(self.ids[name].encode())
        state = None if known is None else decode_entity(known)
        moment = getattr(state, "updated_at", 0) or getattr(state, "ended_at", 0) or self.now_ms
        event = Event(
            1,
            type_,
            self.ids[name],
            seq if seq is not None else (state.seq if state else 0) + 1 + skip,
            instant(moment + after_ms),
            "worker",
            1,
            f"{home}:{9_999 + next(self._planted)}" if cause is None else cause,
            activity,
            data=data,
        )
        entities = Folded()
        if state is not None:
            entities.put(event.subject, state)
        raw = None
        if in_table:
            apply_event(entities, event)
            raw = entities.records[event.subject]
        async with self.producer.transaction():
            topic = self.topics.events.name
            await self.producer.send_and_wait(topic, encode_event(event), key=event.subject.encode(), partition=home)
            if raw is not None:
                topic = self.topics.changelog.name
                await self.producer.send_and_wait(topic, raw, key=event.subject.encode(), partition=home)

    @asynccontextmanager
    async def planted(self, table: str) -> AsyncIterator[None]:
        """What is done to ``table`` meanwhile is undone."""
        kept = f"kept_{next(self._planted)}"
        await self.database.execute(f"CREATE TEMPORARY TABLE {kept} AS SELECT * FROM {table}")
        yield
        await self.database.execute(f"DELETE FROM {table}")
        await self.database.execute(f"INSERT INTO {table} SELECT * FROM {kept}")
        await self.database.execute(f"DROP TABLE {kept}")

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """What is done meanwhile to the table of states and to ``TABLES`` is undone."""
        self._records.clear()
        async with AsyncExitStack() as stack:
            for table in TABLES:
                await stack.enter_async_context(self.planted(table))
            yield
        assert {topic for topic, _, _ in self._records} <= {self.topics.changelog.name}, "a log is not undone"
        for topic, partition, key in list(self._records):
            await self.put_record(topic, partition, key, self.log.contents.parts[partition].get(key))

    async def sql(self, statement: str, name: str) -> None:
        """Run a statement about an instance, its id being the one argument; it must do something."""
        done = await self.database.execute(statement, self.ids[name])
        assert not done.endswith(" 0"), done

    async def put_record(self, topic: str, partition: int, key: bytes, value: bytes | None) -> None:
        """Plant a record, as nobody of Weir would."""
        self._records.add((topic, partition, key))
        async with self.producer.transaction():
            await self.producer.send_and_wait(topic, value, key=key, partition=partition)


@asynccontextmanager
async def verify_site(settings: Settings, topics: Topics) -> AsyncIterator[VerifySite]:
    """A site with nothing on it; ``settings`` name a database with the newest schema."""
    log = await WrittenLog.open(settings, topics)
    database = await asyncpg.connect(settings.database_url)
    producer = AIOKafkaProducer(**client_options(settings), transactional_id=f"{settings.app_id}-planting")
    await producer.start()
    try:
        yield VerifySite(settings, topics, log, database, producer, now_ms=round(time.time() * 1000) - 3_600_000)
    finally:
        await producer.stop()
        await database.close()
        await log.close()
