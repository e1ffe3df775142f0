"""What is asked of aiokafka consumers, the port's offsets and ends among it; each runs in the loop of its consumer.

The port's reader, which lanes have, is ``lane_reader.py``'s.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition

from streams.transport import private
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk, TopicPartition

PULL_TIMEOUT_S = 30.0
WAKE_UP_S = 0.25
"""A pull looks again at least this often: assignment and stop do not wake its waiter."""


async def started_consumer(options: TransportOptions, **more: Any) -> AIOKafkaConsumer:
    """Of committed records, and of no group; ``more`` are further options of aiokafka's."""
    consumer = AIOKafkaConsumer(**options.client, isolation_level="read_committed", enable_auto_commit=False, **more)
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer


class KafkaReader:
    """Chunks of a started consumer with ``isolation_level="read_committed"``."""

    def __init__(self, consumer: Any, stopping: Callable[[], bool] = lambda: False) -> None:
        self._consumer, self._stopping = consumer, stopping

    async def pull(self, tps: Sequence[TopicPartition], max_records: int | None, timeout: float) -> list[Chunk]:  # noqa: ASYNC109
        """What is fetched of ``tps``, at most one chunk each; waits up to ``timeout`` s for any."""
        deadline = time.monotonic() + timeout
        with private.fetch_context(self._consumer):
            while True:
                chunks = [c for tp in tps if (c := await private.pull(self._consumer, tp, max_records)) is not None]
                left = deadline - time.monotonic()
                if chunks or left <= 0 or self._stopping():
                    return chunks
                waiter = private.fetch_waiter(self._consumer)
                try:
                    await asyncio.wait([waiter], timeout=min(left, WAKE_UP_S))
                finally:
                    if not waiter.cancel():  # else the fetcher would keep it until something is fetched
                        waiter.result()  # raises what ended the group membership, an authorization say

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """The next of ``tp``, however long it takes."""
        while not (chunks := await self.pull([tp], max_records, PULL_TIMEOUT_S)):
            pass
        return chunks[0]

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on from ``offset``."""
        self._consumer.seek(AioTopicPartition(*tp), offset)


class KafkaOffsets:
    """``port.Offsets`` of a started consumer."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """First offset and last stable offset (the consumer reads committed records only)."""
        wanted = [AioTopicPartition(*tp) for tp in tps]
        first = await self._consumer.beginning_offsets(wanted)
        end = await self._consumer.end_offsets(wanted)
        return {TopicPartition(*tp): (first[tp], end[tp]) for tp in wanted}

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """What the group has committed, asked from the broker."""
        return {tp: await self._consumer.committed(AioTopicPartition(*tp)) for tp in tps}


class KafkaEnds:
    """``port.Ends``: a consumer that reads nothing, since a broker answers the questions of a connection in turn, and
    holds a fetch for ``fetch_wait_ms``.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    @classmethod
    async def open(cls, options: TransportOptions, tps: Sequence[TopicPartition]) -> "KafkaEnds":
        """Connect, and learn who leads ``tps``: else the first question would wait for that."""
        consumer = await started_consumer(options, request_timeout_ms=int(options.broker_timeout_s * 1000))
        try:
            await consumer.end_offsets([AioTopicPartition(*tp) for tp in tps])
        except BaseException:
            await consumer.stop()
            raise
        return cls(consumer)

    async def end(self, tp: TopicPartition) -> int:
        """See ``port.Ends``."""
        wanted = AioTopicPartition(*tp)
        end: int = (await self._consumer.end_offsets([wanted]))[wanted]
        return end

    async def close(self) -> None:
        """Close the connections."""
        await self._consumer.stop()
