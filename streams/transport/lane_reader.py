"""The port's reader over aiokafka: a consumer that the lanes have for themselves, in their own loop.

Faust's consumer is a member of the group and runs in a thread, so that heartbeats go on while an agent computes.  Lanes
do not read through it: each chunk would cross over twice, and two threads would take turns at one interpreter.  At low
load that was half of a role's CPU, and milliseconds of each hop.
"""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition

from streams.transport import private
from streams.transport.kafka_reader import started_consumer
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk, TopicPartition

REQUEST_TIMEOUT_MS = 30_000
"""For a broker that has gone without closing its connections."""


class LaneReader:
    """``port.Reader``.  A lane is woken by what has come for it, not by what has come for others."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._waiting: dict[TopicPartition, asyncio.Future[None]] = {}
        self._watched: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, options: TransportOptions) -> "LaneReader":
        """Connect; nothing is read before ``begin``."""
        consumer = await started_consumer(
            options,
            auto_offset_reset="earliest",  # never used to start: lanes say where; a mismatch is found by contiguity
            fetch_max_wait_ms=options.fetch_wait_ms,
            max_partition_fetch_bytes=options.max_partition_fetch_bytes,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        private.set_prefetch_backoff(consumer, options.prefetch_backoff_s)
        return cls(consumer)

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """See ``port.Reader``."""
        if not positions:
            self._consumer.unsubscribe()
            return
        self._consumer.assign([AioTopicPartition(*tp) for tp in positions])
        for tp, position in positions.items():
            self._consumer.seek(AioTopicPartition(*tp), position)

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """See ``port.Reader``."""
        while (chunk := await private.pull(self._consumer, tp, max_records)) is None:
            await self._comes(tp)
        return chunk

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """See ``port.Reader``."""
        self._consumer.seek(AioTopicPartition(*tp), offset)

    def stable_end(self, tp: TopicPartition) -> int | None:
        """See ``port.Reader``."""
        answer = private.last_answer(self._consumer, tp)
        return answer[1] if answer is not None else None

    def answered_at(self, tp: TopicPartition) -> float | None:
        """See ``port.Reader``."""
        answer = private.last_answer(self._consumer, tp)
        return answer[0] if answer is not None else None

    async def close(self) -> None:
        """Close the connections."""
        await self._consumer.stop()

    async def _comes(self, tp: TopicPartition) -> None:
        """Wait until something of ``tp`` is fetched."""
        comes = self._waiting[tp] = asyncio.get_running_loop().create_future()
        if self._watched is None:
            self._watch()
        try:
            await comes
        finally:
            if self._waiting.get(tp) is comes:
                del self._waiting[tp]

    def _watch(self) -> None:
        self._watched = private.fetch_waiter(self._consumer)
        self._watched.add_done_callback(self._wake)

    def _wake(self, _: asyncio.Future[None]) -> None:
        self._watched = None
        fetched = private.fetched(self._consumer)
        for tp, comes in self._waiting.items():
            if tp in fetched and not comes.done():
                comes.set_result(None)
        if not all(comes.done() for comes in self._waiting.values()):
            self._watch()
