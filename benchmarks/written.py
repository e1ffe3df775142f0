"""A log without workers: the processor's own code, partition by partition, on a plain transactional writer.

Commands become events, changelog and definitions as the processor role would write them, in transactions of its own;
the commands themselves are not on any topic.  For logs that are made to be read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from streams.core.commands import DEFINITIONS_KEY, DeployDefinition, TopicCommand
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.core.process import Process, compile_process
from streams.kafka import client_options
from streams.processing import PartitionProcessor, decode_records
from streams.records import Headers
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.contents import TableContents, position_key
from streams.transport.kafka_writer import KafkaWriter
from streams.transport.options import TransportOptions
from streams.transport.port import Message, TopicPartition


@dataclass(slots=True)
class Record:
    """A command as Kafka hands it over."""

    value: bytes
    key: bytes | None
    offset: int
    timestamp: int
    headers: Headers = ()


class Transaction:
    """What a batch puts into its transaction."""

    def __init__(self, table: dict[bytes, bytes]) -> None:
        self._table = table
        self.writes: dict[bytes, bytes | None] = {}
        self.outputs: defaultdict[TopicPartition, list[Message]] = defaultdict(list)

    def get(self, key: bytes) -> bytes | None:
        return self.writes[key] if key in self.writes else self._table.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.writes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self.writes[key] = None

    def send(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        self.outputs[TopicPartition(topic, partition)].append((key, value, headers))


class Definitions:
    """Those deployed so far."""

    def __init__(self) -> None:
        self._processes: dict[tuple[str, int], Process] = {}

    def learn(self, text: str) -> DeployDefinition:
        """Know the definition; returns the command that deploys it."""
        definition = parse_definition(text)
        self._processes[definition.id, definition.version] = compile_process(definition)
        return DeployDefinition(definition=definition.model_dump(mode="json"))

    def active(self) -> list[Process]:
        newest = {name: process for (name, _), process in sorted(self._processes.items())}
        return list(newest.values())

    def inactive(self, _id: str, _version: int | None) -> bool:
        return False

    def get(self, definition_id: str, version: int | None) -> Process | None:
        known = {number: process for (name, number), process in self._processes.items() if name == definition_id}
        return known.get(max(known, default=0) if version is None else version)


class WrittenLog:
    """All partitions of a plant, written from here.  ``open`` makes it."""

    def __init__(self, topics: Topics, settings: Settings, writer: KafkaWriter, *, table_only: bool) -> None:
        self.topics, self.writer, self.table_only = topics, writer, table_only
        self.definitions = Definitions()
        self.contents = TableContents()
        self._clock = settings.plant_clock
        self._ttl_ms = round(settings.done_ttl_s * 1000)
        self._offsets: defaultdict[int, int] = defaultdict(int)
        self._processors: dict[int, PartitionProcessor] = {}

    @classmethod
    async def open(cls, settings: Settings, topics: Topics, name: str = "written", *, table_only: bool = False) -> Self:
        """Nothing else may write to the partitions that are written to; ``name`` is for Kafka.

        ``table_only`` writes nothing but the changelog, and no positions: the table of a processor that goes on where
        it was, and has meanwhile seen what it finds there.
        """
        options = TransportOptions(client=client_options(settings))
        writer = await KafkaWriter.open(f"{settings.app_id}-{name}", settings.app_id, options)
        return cls(topics, settings, writer, table_only=table_only)

    async def deploy(self, text: str, at_ms: int) -> None:
        """Deploy a definition, given as YAML."""
        command = self.definitions.learn(text)
        await self.do(partition_for(DEFINITIONS_KEY, self.topics.partitions), [command], at_ms)

    async def do(self, partition: int, commands: Sequence[TopicCommand], at_ms: int) -> list[Message]:
        """Carry out commands, and the timers due at ``at_ms`` (wall time, Unix ms), in one transaction; its events.

        The first header of an event is its type.
        """
        records = []
        for command in commands:
            records.append(Record(msgspec.json.encode(command), None, self._offsets[partition], at_ms))
            self._offsets[partition] += 1
        self.contents.begin(partition, 0)
        table = self.contents.parts[partition]
        txn = Transaction(table)
        processor = self._processor(partition)
        outcome = processor.process(decode_records(records), txn, at_ms, caught_up=True)
        if not self.table_only:
            txn[position_key(self.topics.commands.name)] = str(self._offsets[partition]).encode()
        changes: list[Message] = [(key, value, ()) for key, value in txn.writes.items()]
        changelog = TopicPartition(self.topics.changelog.name, partition)
        others = {} if self.table_only else txn.outputs
        await self.writer.transact({**others, changelog: changes}, {})
        self.contents.apply_commit(partition, txn.writes, 0)
        processor.committed(outcome)
        return txn.outputs.get(TopicPartition(self.topics.events.name, partition), [])

    async def close(self) -> None:
        """Close the connections."""
        await self.writer.close()

    def _processor(self, partition: int) -> PartitionProcessor:
        if partition not in self._processors:
            self._processors[partition] = PartitionProcessor(
                partition, self.topics, self.definitions, self._clock, self._ttl_ms
            )
        return self._processors[partition]
