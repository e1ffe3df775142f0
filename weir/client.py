"""Sending commands: each to the partition of its key or instance.  ``weir.watch`` learns what becomes of them."""

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.codec import encode_command
from streams.core import ids
from streams.core.commands import StartProcess, TopicCommand
from streams.core.decide import command_key, home_of
from streams.deadletters import PARTITION as DEAD_LETTERS_PARTITION
from streams.kafka import client_options
from streams.records import Headers
from streams.settings import Settings
from streams.topics import Topics, load_topics
from weir.watch import Outcome, Watch, Watched

METADATA_TIMEOUT_S = 10.0
BATCH_BYTES = 256 * 1024
"""Records of a partition that go at once.  Of aiokafka's 16 kB some hundred senders would wait for the next batch, all
be woken by it, and all but thirty wait again."""
SHARED_S = 0.02
"""So long starts without a key go to the same partition: they share a batch, which the broker writes and flushes once.
Kafka's own producers do the same: KIP-480."""


class ClientError(Exception):
    """A command cannot be sent; the message says why and what to do."""


class CommandClient:
    """Sends commands.  An async context manager; raises aiokafka's ``KafkaError`` when no broker answers."""

    def __init__(self, settings: Settings, topics: Topics | None = None) -> None:
        self._settings = settings
        self._topics = topics or load_topics(settings)
        self._producer: AIOKafkaProducer | None = None
        self._partitions = 0
        own = uuid.uuid4()
        self._name, self._numbers = own.hex, itertools.count()
        """Together a text that nobody has had: randomness is asked for once, not for each command."""
        self._first = own.int % ids.MAX_PARTITIONS

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, **client_options(self._settings)
        )
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

    def new_instance_id(self, key: str | None = None, *, cause: str | None = None, wall_s: float | None = None) -> str:
        """An id for an instance to start now, in the partition of its key, or in any for one without a key.

        The same ``cause`` at the same ``wall_s`` (Unix s) gives the same id.
        """
        named = key or cause
        number = next(self._numbers)
        partition = self._shared() if named is None else ids.partition_for(named, self._partitions)
        now_ms = self._settings.plant_clock.plant_ms((time.time() if wall_s is None else wall_s) * 1000)
        return ids.instance_id(now_ms, partition, cause or f"client/{self._name}/{number}")

    def _shared(self) -> int:
        """The partition of the moment: each in its turn, and each sender begins elsewhere."""
        return (int(time.monotonic() / SHARED_S) + self._first) % self._partitions

    async def send(self, command: TopicCommand) -> tuple[int, int]:
        """Send a command; returns (partition, offset) once the broker has it.

        Raises ``ValueError`` for a command that no partition could decide, ``LimitError`` for one that is too large.
        """
        return await self.send_encoded(command, encode_command(command))

    async def send_encoded(self, command: TopicCommand, raw: bytes, headers: Headers = ()) -> tuple[int, int]:
        """The same with the command's bytes, which the caller has looked at."""
        partition, key = self.address(command)
        record = await self._running().send_and_wait(
            self._topics.commands.name, raw, key=key.encode(), partition=partition, headers=list(headers)
        )
        return record.partition, record.offset

    async def send_record(self, topic: str, key: str, raw: bytes, headers: Headers = ()) -> None:
        """Send another record than a command; return once the broker has it."""
        producer = self._running()
        partition = ids.partition_for(key, len(await producer.partitions_for(topic)))  # aiokafka hashes anew
        await producer.send_and_wait(topic, raw, key=key.encode(), partition=partition, headers=list(headers))

    async def send_and_wait(self, command: TopicCommand, timeout_s: float) -> Outcome:
        """Send a command and wait until it has been decided.  Raises ``NoAnswerError`` after ``timeout_s`` seconds."""
        async with self.watch(command) as watch:
            return await watch.outcome(timeout_s)

    @asynccontextmanager
    async def watch(self, command: TopicCommand) -> AsyncIterator[Watch]:
        """Send a command, and watch what becomes of it."""
        command = self._named(command)
        partition, _ = self.address(command)
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

    def address(self, command: TopicCommand) -> tuple[int, str]:
        """Where a command goes: (partition, record key).  Raises ``ValueError`` when no partition could decide it."""
        home = home_of(command, self._partitions)
        key = command_key(command) or f"client/{self._name}/{next(self._numbers)}"
        return ids.partition_for(key, self._partitions) if home is None else home, key

    def _running(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("Expected the client to be entered: async with CommandClient(settings) as client")
        return self._producer
