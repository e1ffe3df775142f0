"""Positions of a group, kept in a compacted topic of ours beside the group's offsets.

Kafka forgets the offsets of a group that has had no member for a week (``offsets.retention.minutes``).  A role that
must not guess (``GroupPositions(missing="fatal")``) could not start after that.  Our own brokers are told to remember
for ten years; one that others run may be told otherwise.  So the position is written a second time, after each commit
of the group's offsets, and read where the group has none.

Why not derived from the log: requests that nobody has answered can be found there, but a single one that is still
allowed to run for days would have all that came after it performed again.  Why not only here: the group's offsets are
what every Kafka tool shows, and what fences a worker that has lost its partitions.

A key is ``<group>/<topic>/<partition>``, a value the next offset to read, as decimal digits.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.errors import KafkaError

from streams.transport.fatal import logger
from streams.transport.kafka_reader import KafkaOffsets, KafkaReader
from streams.transport.port import TopicPartition

PARTITION = 0
MAX_RECORDS = 10_000
KEEP_TIMEOUT_S = 5.0


class KeptPositions:
    """Positions of ``group`` in ``topic``; one partition, cleanup by compaction."""

    def __init__(self, client: Mapping[str, Any], topic: str, group: str) -> None:
        self._client, self._tp, self._group = client, TopicPartition(topic, PARTITION), group
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **self._client)
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def keep(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Write positions.  What fails is told only: the next second writes newer ones."""
        if self._producer is None:
            raise RuntimeError("Expected the kept positions to be started")
        try:
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                futures = [
                    await self._producer.send(self._tp.topic, b"%d" % offset, self._key(tp), PARTITION)
                    for tp, offset in offsets.items()
                ]
                await asyncio.gather(*futures)
        except (KafkaError, TimeoutError) as error:
            logger.warning("positions of %s not kept, will be tried again: %r", self._group, error)

    async def read(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        """What was kept last; None where nothing was.  Raises ``KafkaError``."""
        consumer = AIOKafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **self._client)
        await consumer.start()
        try:
            position, end = (await KafkaOffsets(consumer).bounds([self._tp]))[self._tp]
            consumer.assign([AioTopicPartition(*self._tp)])
            consumer.seek(AioTopicPartition(*self._tp), position)
            reader, found = KafkaReader(consumer), dict[bytes, int]()
            while position < end:
                chunk = await reader.fetch(self._tp, MAX_RECORDS)
                found.update({record.key: int(record.value) for record in chunk.records if record.key and record.value})
                position = chunk.end
        finally:
            await consumer.stop()
        return {tp: found.get(self._key(tp)) for tp in tps}

    def _key(self, tp: TopicPartition) -> bytes:
        return f"{self._group}/{tp.topic}/{tp.partition}".encode()
