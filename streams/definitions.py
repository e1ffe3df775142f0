"""The deployed definitions, as every role sees them: a tail of the topic ``process-definitions``.

The topic is compacted and small, so each role reads it whole when it starts and follows it in the background.  A role
that meets a version it lacks calls ``catch_up`` before it says that there is none: the record was committed before any
command that names it.
"""

import asyncio

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.codec import UpgradeError
from streams.core.definition import ProcessDefinition
from streams.core.process import Process, compile_process
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.fatal import exit_process

RECORD_VERSION = 1
POLL_MS = 200
RETRY_S = 1.0
log = structlog.get_logger("weir.definitions")


class _Record(msgspec.Struct):
    v: int
    id: str
    version: int
    definition: dict[str, object]


class DefinitionStore:
    """Compiled definitions by id and version."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._partition = TopicPartition(topics.definitions.name, 0)
        self._options = client_options(settings)
        self._consumer: AIOKafkaConsumer | None = None
        self._tail: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._versions: dict[str, dict[int, Process]] = {}
        self.generation = 0
        """Increases with every definition that becomes known: what was derived from the definitions is stale then."""

    async def start(self) -> None:
        """Read the topic to its end, then follow it."""
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False, isolation_level="read_committed", auto_offset_reset="earliest", **self._options
        )
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)
        await self.catch_up()
        self._tail = asyncio.create_task(self._follow(), name="definitions")

    async def stop(self) -> None:
        """Leave the topic."""
        if self._tail is not None:
            self._tail.cancel()
            await asyncio.gather(self._tail, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    async def catch_up(self) -> None:
        """Read what the topic holds now."""
        consumer = self._running()
        async with self._reading:
            end = (await consumer.end_offsets([self._partition]))[self._partition]
            while await consumer.position(self._partition) < end:
                await self._read(consumer)

    def get(self, definition_id: str, version: int | None) -> Process | None:
        """A version of a definition; the newest for ``None``; ``None`` when it is not known here."""
        versions = self._versions.get(definition_id)
        if not versions:
            return None
        return versions[max(versions)] if version is None else versions.get(version)

    def active(self) -> list[Process]:
        """The newest version of every definition: the ones whose triggers start instances."""
        return [versions[max(versions)] for versions in self._versions.values()]

    def all(self) -> list[Process]:
        """Every version of every definition: instances stay on theirs."""
        return [process for versions in self._versions.values() for process in versions.values()]

    async def _follow(self) -> None:
        consumer = self._running()
        while True:
            try:
                async with self._reading:
                    await self._read(consumer)
            except KafkaError as error:
                log.warning("cannot read the definitions, trying again", error=repr(error))
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, the role must not go on without definitions
                exit_process("cannot follow the definitions", error)
            else:
                await asyncio.sleep(0)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        fetched = await consumer.getmany(self._partition, timeout_ms=POLL_MS)
        for record in fetched.get(self._partition, []):
            if record.value is not None:
                self.learn(record.value)

    def learn(self, raw: bytes) -> None:
        """Take in one record of the topic.  Raises ``UpgradeError`` for one that a newer Weir has written."""
        record = msgspec.json.decode(raw, type=_Record)
        if record.v > RECORD_VERSION:
            raise UpgradeError(f"Definition {record.id}:{record.version} has format v{record.v}: upgrade this Weir")
        process = compile_process(ProcessDefinition.model_validate(record.definition))
        self._versions.setdefault(record.id, {})[record.version] = process
        self.generation += 1
        log.info("definition known", definition=record.id, version=record.version)

    def _running(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("Expected the definition store to be started")
        return self._consumer
