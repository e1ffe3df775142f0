"""The deployed definitions, as every role sees them: a tail of the topic ``process-definitions``.

The topic is compacted and small, so each role reads it whole when it starts and follows it in the background.  A role
that meets a version it lacks, or is asked for the newest, calls ``catch_up`` first: the record of a definition was
committed before any command that counts on it.

Two consumers, because Kafka answers the requests of a connection in order: where the topic ends would be told only
when the tail's long poll is over.
"""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.errors import KafkaError

from streams.cancelling import cancel
from streams.codec import plain_text
from streams.core.definition import ProcessDefinition
from streams.core.process import Process, UnusableError, compile_process
from streams.deployed import Activation, DeployedVersion, decode_deployed
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.fatal import exit_process
from streams.transport.kafka_reader import KafkaOffsets, KafkaReader
from streams.transport.port import TopicPartition

MAX_RECORDS = 1_000
RETRY_S = 1.0
log = structlog.get_logger("weir.definitions")


class DefinitionStore:
    """Compiled definitions by id and version."""

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._routes = topics.mqtt_routes
        self._partition = TopicPartition(topics.definitions.name, 0)
        self._options = client_options(settings)
        self._consumers: list[AIOKafkaConsumer] = []
        self._offsets: KafkaOffsets | None = None
        self._tail: asyncio.Task[None] | None = None
        self._position = 0
        self._moved = asyncio.Condition()
        self._waiting = 0
        self._versions: dict[str, dict[int, Process | UnusableError]] = {}
        self._activations: dict[str, Activation] = {}
        self.generation = 0
        """Increases with every definition that becomes known: what was derived from the definitions is stale then."""

    async def start(self) -> None:
        """Read the topic to its end, then follow it."""
        tail, asking = await self._consume(), await self._consume()
        self._offsets = KafkaOffsets(asking)
        partition = AioTopicPartition(*self._partition)
        tail.assign([partition])
        self._position, _ = (await self._offsets.bounds([self._partition]))[self._partition]
        tail.seek(partition, self._position)
        self._tail = asyncio.create_task(self._follow(KafkaReader(tail)), name="definitions")
        await self.catch_up()

    async def stop(self) -> None:
        """Leave the topic."""
        if self._tail is not None:
            await cancel([self._tail])
        for consumer in self._consumers:
            await consumer.stop()

    async def catch_up(self) -> None:
        """Wait until everything is known that the topic holds now, however long Kafka takes to say."""
        if self._offsets is None:
            raise RuntimeError("Expected the definition store to be started")
        self._waiting += 1
        try:
            end = await self._end(self._offsets)
            async with self._moved:
                await self._moved.wait_for(lambda: self._position >= end)
        finally:
            self._waiting -= 1

    def standstill(self) -> str | None:
        """For the watchdog (``Transport.watch``)."""
        if self._tail is not None and self._tail.done():
            return "the tail of the definitions has ended"
        return f"somebody waits for definitions, which are read up to {self._position}" if self._waiting else None

    def get(self, definition_id: str, version: int | None) -> Process | None:
        """A version of a definition, ``None`` where it is unknown here; for ``None`` the active one, else the newest.

        Raises ``UnusableError`` for one that does not compile.
        """
        versions = self._versions.get(definition_id)
        if not versions:
            return None
        found = versions.get(self._preferred(definition_id) if version is None else version)
        if isinstance(found, UnusableError):
            raise UnusableError(str(found))
        return found

    def inactive(self, definition_id: str, version: int | None) -> bool:
        """Whether somebody has deactivated the definition, or that version of it."""
        activation = self._activations.get(definition_id)
        return activation is not None and not activation.starts(version)

    def active(self) -> list[Process]:
        """The active version of every definition that has one: the ones whose triggers start instances.

        Where that one cannot be used nothing starts: an older one is not what somebody has deployed last.
        """
        on = [name for name in self._versions if not self.inactive(name, None)]
        return _usable(self._versions[name][self._preferred(name)] for name in on)

    def all(self) -> list[Process]:
        """Every version of every definition: instances stay on theirs."""
        return _usable(one for versions in self._versions.values() for one in versions.values())

    async def _end(self, offsets: KafkaOffsets) -> int:
        while True:
            try:
                return (await offsets.bounds([self._partition]))[self._partition][1]
            except KafkaError as error:
                log.warning("cannot ask where the definitions end, trying again", error=repr(error))
            await asyncio.sleep(RETRY_S)

    async def _consume(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, isolation_level="read_committed", auto_offset_reset="earliest", **self._options
        )
        self._consumers.append(consumer)
        await consumer.start()
        return consumer

    async def _follow(self, reader: KafkaReader) -> None:
        while True:
            try:
                chunk = await reader.fetch(self._partition, MAX_RECORDS)
                for record in chunk.records:
                    if record.value is not None:
                        self.learn(record.value)
                async with self._moved:
                    self._position = chunk.end
                    self._moved.notify_all()
            except KafkaError as error:
                log.warning("cannot read the definitions, trying again", error=repr(error))
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, the role must not go on without definitions
                exit_process("cannot follow the definitions", error)

    def learn(self, raw: bytes) -> None:
        """Take in one record of the topic.  Raises ``UpgradeError`` for one that a newer Weir has written."""
        record = decode_deployed(raw)
        if isinstance(record, Activation):
            self._activations[record.id] = record
            log.info("definition (de)activated", definition=record.id, active=record.active)
        else:
            self._versions.setdefault(record.id, {})[record.version] = _compile(record, self._routes)
            log.info("definition known", definition=record.id, version=record.version)
        self.generation += 1

    def _preferred(self, definition_id: str) -> int:
        """The active version, else the newest."""
        activation, versions = self._activations.get(definition_id), self._versions[definition_id]
        active = None if activation is None else activation.active
        return active if active in versions else max(versions)


def _compile(record: DeployedVersion, routes: Mapping[str, str]) -> Process | UnusableError:
    """The process; or why there is none, which costs those who ask for it, and no role."""
    try:
        return compile_process(ProcessDefinition.model_validate(msgspec.json.decode(record.definition)), routes)
    except Exception as error:  # whatever it is, this definition was accepted by another Weir, or another machine
        log.exception("a deployed definition cannot be used", definition=record.id, version=record.version)
        return UnusableError(
            f"{record.id} version {record.version} was deployed, but this Weir does not compile it: "
            f"{plain_text(str(error))}. Deploy a new version of it"
        )


def _usable(found: Iterable[Process | UnusableError]) -> list[Process]:
    return [one for one in found if isinstance(one, Process)]
