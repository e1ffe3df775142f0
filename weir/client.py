"""Sending commands, and learning what became of them.

    send:  command ─► process-commands, partition of its key or instance
    wait:  process-events       an event whose cause is that record      ─► Accepted
           process-rejections   the record's, or one with the command's id ─► Refused
           process-dead-letters the record itself                          ─► DeadLettered

The outcome is read from the topics, from where they ended before the command was sent, so it needs no database and is
the truth: what is seen has been committed.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from streams.codec import decode_event, encode_command
from streams.core import ids
from streams.core.commands import DEFINITIONS_KEY, DeployDefinition, Observe, StartProcess, TopicCommand
from streams.core.decide import home_of
from streams.core.events import Event
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics, load_topics

METADATA_TIMEOUT_S = 10.0
POLL_MS = 200
ENDED = frozenset({"completed", "failed", "cancelled"})


class ClientError(Exception):
    """A command cannot be sent; the message says why and what to do."""


class NoAnswerError(Exception):
    """Nothing was heard of a command in time.  Kafka has it, so it will still be decided, once."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command was decided at (partition, offset); ``events`` are what it led to at once, in order."""

    partition: int
    offset: int
    events: list[Event]

    @property
    def subjects(self) -> list[str]:
        """The instances (or the key, or the definition) that the events are about, each once."""
        return list(dict.fromkeys(event.subject for event in self.events))


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was refused: ``reason`` is for programs, ``message`` for people, ``subject`` in the way."""

    partition: int
    offset: int
    reason: str
    message: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The command could not be used; the raw record is on ``process-dead-letters``."""

    partition: int
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The event that ended an instance, and its variables then."""

    event: Event
    variables: dict[str, Any]


Outcome = Accepted | Refused | DeadLettered


class CommandClient:
    """Sends commands.  An async context manager; raises aiokafka's ``KafkaError`` when no broker answers."""

    def __init__(self, settings: Settings, topics: Topics | None = None) -> None:
        self._settings = settings
        self._topics = topics or load_topics(settings)
        self._producer: AIOKafkaProducer | None = None
        self._partitions = 0

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **client_options(self._settings))
        name = self._topics.commands.name
        try:
            await producer.start()
            self._partitions = len(await asyncio.wait_for(producer.partitions_for(name), METADATA_TIMEOUT_S))
        except TimeoutError:
            await producer.stop()
            raise ClientError(
                f"Expected the topic {name} on {self._settings.brokers}, but it is not there: `weir topics apply`"
            ) from None
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running().stop()

    @property
    def partitions(self) -> int:
        """How many partitions commands, events and changelog have: the broker's own number."""
        return self._partitions

    def new_instance_id(self, key: str | None = None) -> str:
        """An id for an instance to start now, in the partition of its key, or in any for one without a key."""
        partition = secrets.randbelow(self._partitions) if key is None else ids.partition_for(key, self._partitions)
        now_ms = self._settings.plant_clock.plant_ms(time.time() * 1000)
        return ids.instance_id(now_ms, partition, f"client/{uuid.uuid4()}")

    async def send(self, command: TopicCommand) -> tuple[int, int]:
        """Send a command; returns (partition, offset) once the broker has it.

        Raises ``ValueError`` for a command that no partition could decide, ``LimitError`` for one that is too large.
        """
        partition, key = self._address(command)
        record = await self._running().send_and_wait(
            self._topics.commands.name, encode_command(command), key=key.encode(), partition=partition
        )
        return record.partition, record.offset

    async def send_and_wait(self, command: TopicCommand, timeout_s: float) -> Outcome:
        """Send a command and wait until it has been decided.  Raises ``NoAnswerError`` after ``timeout_s`` seconds."""
        async with self.watch(command) as watch:
            return await watch.outcome(timeout_s)

    @asynccontextmanager
    async def watch(self, command: TopicCommand) -> AsyncIterator["Watch"]:
        """Send a command, and watch what becomes of it."""
        command = self._named(command)
        partition, _ = self._address(command)
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, isolation_level="read_committed", **client_options(self._settings)
        )
        try:
            await consumer.start()
            watched = Watched(
                TopicPartition(self._topics.events.name, partition),
                TopicPartition(self._topics.rejections.name, partition),
                TopicPartition(self._topics.dead_letters.name, DEAD_LETTERS_PARTITION),
            )
            everything = [watched.events, watched.rejections, watched.dead_letters]
            consumer.assign(everything)
            ends = await consumer.end_offsets(everything)
            for place, offset in ends.items():
                consumer.seek(place, offset)
            place = (self._topics.commands.name, *await self.send(command))
            yield Watch(consumer, watched, ends[watched.events], place, command)
        finally:
            await consumer.stop()

    def _named(self, command: TopicCommand) -> TopicCommand:
        """The command with what makes its outcome findable: an id and, for a start without a key, an instance."""
        if command.id is None:
            command = msgspec.structs.replace(command, id=str(uuid.uuid4()))
        if isinstance(command, StartProcess) and command.key is None and command.instance_id is None:
            command = msgspec.structs.replace(command, instance_id=self.new_instance_id())
        return command

    def _address(self, command: TopicCommand) -> tuple[int, str]:
        """(partition, record key)."""
        home = home_of(command, self._partitions)
        if isinstance(command, DeployDefinition):
            key: str | None = DEFINITIONS_KEY
        elif isinstance(command, Observe):
            key = command.key
        else:
            key = getattr(command, "key", None) or command.instance_id
        key = key or str(uuid.uuid4())
        return ids.partition_for(key, self._partitions) if home is None else home, key

    def _running(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("Expected the client to be entered: async with CommandClient(settings) as client")
        return self._producer


@dataclass(frozen=True, slots=True)
class Watched:
    """The partitions in which a command's outcome appears."""

    events: TopicPartition
    rejections: TopicPartition
    dead_letters: TopicPartition


class Watch:
    """What becomes of one command.  ``place`` is its record's (topic, partition, offset)."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        watched: Watched,
        events_from: int,
        place: tuple[str, int, int],
        command: TopicCommand,
    ) -> None:
        self._consumer = consumer
        self._watched = watched
        self._events_from = events_from
        self._topic, self.partition, self.offset = place
        self._command = command
        self._headers = {
            ("weir_topic", self._topic.encode()),
            ("weir_partition", str(self.partition).encode()),
            ("weir_offset", str(self.offset).encode()),
        }

    async def outcome(self, timeout_s: float) -> Outcome:
        """Wait until the command has been decided.  Raises ``NoAnswerError``."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for place, records in (await self._consumer.getmany(timeout_ms=POLL_MS)).items():
                        for record in records:
                            if (found := self._match(place, record)) is not None:
                                return await self._whole(found)
        except TimeoutError:
            raise NoAnswerError(
                f"Expected an answer to {self._command.__struct_config__.tag} within {timeout_s:g} s, but got none. "
                f"The broker has the command (partition {self.partition}, offset {self.offset}), so it will be decided "
                "once a processor runs: see `weir status`"
            ) from None

    async def ended(self, instance_id: str, timeout_s: float) -> Ended:
        """The end of an instance which the command has started.  Raises ``NoAnswerError``."""
        self._consumer.seek(self._watched.events, self._events_from)
        subject = instance_id.encode()
        variables: dict[str, Any] = {}
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    fetched = await self._consumer.getmany(self._watched.events, timeout_ms=POLL_MS)
                    for record in fetched.get(self._watched.events, []):
                        if record.key != subject:
                            continue
                        event = decode_event(record.value)
                        if event.type == "started":
                            variables = dict(event.data["variables"])
                        elif event.type == "variable_changed":
                            variables[event.data["name"]] = event.data["value"]
                        elif event.type in ENDED:
                            return Ended(event, variables)
        except TimeoutError:
            raise NoAnswerError(
                f"Expected instance {instance_id} to end in time, but it still runs. "
                f"Watch it with `weir history {instance_id} --follow`"
            ) from None

    def _match(self, place: TopicPartition, record: ConsumerRecord) -> Outcome | None:
        if place == self._watched.events:
            event = decode_event(record.value)
            return Accepted(self.partition, self.offset, [event]) if self._caused(event) else None
        if place == self._watched.dead_letters:
            headers = dict(record.headers)
            if not self._headers <= set(headers.items()):
                return None
            return DeadLettered(self.partition, self.offset, headers["weir_reason"].decode())
        refused: dict[str, Any] = msgspec.json.decode(record.value)
        same_place = (refused["partition"], refused["offset"]) == (self.partition, self.offset)
        if not same_place and refused["command_id"] != self._command.id:
            return None
        return Refused(self.partition, self.offset, refused["reason"], refused["message"], refused["subject"])

    async def _whole(self, outcome: Outcome) -> Outcome:
        """All events of the command: they came in one transaction, so what is committed now holds them."""
        if not isinstance(outcome, Accepted):
            return outcome
        events = self._watched.events
        end = (await self._consumer.end_offsets([events]))[events]
        self._consumer.seek(events, self._events_from)
        found: list[Event] = []
        while await self._consumer.position(events) < end:
            fetched = await self._consumer.getmany(events, timeout_ms=POLL_MS)
            decoded = [decode_event(record.value) for record in fetched.get(events, [])]
            found.extend(event for event in decoded if self._caused(event))
        return Accepted(self.partition, self.offset, found)

    def _caused(self, event: Event) -> bool:
        return event.cause == f"{self.partition}:{self.offset}"
