"""Deletes commands that were processed long ago: ``process-commands`` has no retention, so that none is lost unread.

What was processed before an instant is told by the events: those of a partition are in the order of processing, and
each names its command.  So the first event that is younger than ``WEIR_COMMANDS_KEEP_S`` names a command, and all
before it were processed earlier.  That holds over restarts and for whoever owns the partition, and needs no memory;
where nothing younger is there, nothing is deleted.  Never beyond the table's own committed position.

One pass every ten minutes costs a partition two offsets, one fetch, and now and then a DeleteRecords.
"""

import time
from collections.abc import Callable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from streams.codec import decode_event_head
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.kafka_reader import KafkaReader
from streams.transport.port import Chunk, TopicPartition

EVERY_S = 600.0
AT_LEAST = 1_000
"""Fewer offsets are left for the next time."""
MAX_EVENTS = 1_000
"""How many events of a partition are looked at for one that names a command: timers name none."""
READ_TIMEOUT_S = 10.0

log = structlog.get_logger("weir.processor")


class Trimmer:
    """Of the partitions that a processor owns.

    ``positions()``: the next command of each, as the table has it committed.  ``wall`` gives Unix seconds.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        positions: Callable[[], Mapping[int, int]],
        *,
        at_least: int = AT_LEAST,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.trimmed = 0
        """Offsets deleted since the start of the process."""
        self._settings, self._topics, self._positions = settings, topics, positions
        self._at_least, self._wall = at_least, wall

    async def look(self) -> None:
        """One pass.  What goes wrong is told and tried again the next time: the commands are only kept longer."""
        positions = dict(self._positions())
        if not positions:
            return
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        try:
            await consumer.start()
            await admin.start()
            await self._trim(consumer, admin, positions)
        except KafkaError as error:
            log.warning("old commands could not be deleted", error=f"{type(error).__name__}: {error}")
        finally:
            await admin.close()
            await consumer.stop()

    async def _trim(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, positions: Mapping[int, int]) -> None:
        recent = await self._processed_recently(consumer, list(positions))
        commands = {number: AioTopicPartition(self._topics.commands.name, number) for number in recent}
        if not commands:
            return
        firsts = await consumer.beginning_offsets(list(commands.values()))
        before = {tp: min(recent[number], positions[number]) for number, tp in commands.items()}
        wanted = {tp: offset for tp, offset in before.items() if offset - firsts[tp] >= self._at_least}
        if not wanted:
            return
        await admin.delete_records({tp: RecordsToDelete(before_offset=offset) for tp, offset in wanted.items()})
        self.trimmed += sum(offset - firsts[tp] for tp, offset in wanted.items())
        log.info("old commands deleted", before={tp.partition: offset for tp, offset in wanted.items()})

    async def _processed_recently(self, consumer: AIOKafkaConsumer, partitions: list[int]) -> dict[int, int]:
        """By partition: a command of which the first event is younger than the keep time; only where there is one."""
        since = round((self._wall() - self._settings.commands_keep_s) * 1000)
        events = [AioTopicPartition(self._topics.events.name, number) for number in partitions]
        found = {tp: at for tp, at in (await consumer.offsets_for_times(dict.fromkeys(events, since))).items() if at}
        if not found:
            return {}
        consumer.assign(list(found))
        for tp, at in found.items():
            consumer.seek(tp, at.offset)
        commands: dict[int, int] = {}
        for chunk in await _first_chunks(consumer, {TopicPartition(*tp) for tp in found}):
            causes = (decode_event_head(record.value or b"").cause for record in chunk.records)
            offsets = (cause.partition(":")[2] for cause in causes)
            offset = next((int(offset) for offset in offsets if offset.isdecimal()), None)
            if offset is not None:
                commands[chunk.tp.partition] = offset
        return commands


async def _first_chunks(consumer: AIOKafkaConsumer, tps: set[TopicPartition]) -> list[Chunk]:
    """What comes first of each partition; nothing of one that does not answer in time."""
    reader, found, deadline = KafkaReader(consumer), list[Chunk](), time.monotonic() + READ_TIMEOUT_S
    left = set(tps)
    while left and (timeout := deadline - time.monotonic()) > 0:
        for chunk in await reader.pull(list(left), MAX_EVENTS, timeout):
            if chunk.records:
                found.append(chunk)
                left.discard(chunk.tp)
    return found
