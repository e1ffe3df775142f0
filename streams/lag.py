"""How far a reader is behind: the records from its position to the end, and the age of the oldest of them.

Positions tell offsets, and the last offsets of a partition may be markers of transactions or aborted records, which
nobody has to process.  So for each partition whose position is not its end one record is fetched from there: if there
is none, nothing is behind.  That is all it costs: one question for the ends, one for the beginnings, one fetch.
"""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition

from streams.kafka import client_options
from streams.settings import Settings
from streams.transport.kafka_reader import KafkaReader
from streams.transport.port import TopicPartition

MAX_PARTITION_FETCH_BYTES = 128 * 1024
FETCH_WAIT_MS = 20
RETRY_MS = 10
"""As in ``streams.log``: who leads a partition is asked for again so soon."""
LOOK_TIMEOUT_S = 5.0
"""For all partitions together; a partition whose oldest record was not found by then is behind for a time unknown."""


class Lag(NamedTuple):
    """``records``: offsets from the oldest record not processed to the end, markers among them included.

    ``seconds``: since that record was written (LogAppendTime, or what its producer said); ``None`` when not known.
    """

    records: int
    seconds: float | None


NONE = Lag(0, 0.0)


def total(lags: Iterable[Lag]) -> Lag:
    """The lag of several partitions: records of all, age of the oldest."""
    lags = list(lags)
    behind = [lag for lag in lags if lag.records]
    known = [lag.seconds for lag in behind if lag.seconds is not None]
    if len(known) < len(behind):
        return Lag(sum(lag.records for lag in lags), max(known, default=None))
    return Lag(sum(lag.records for lag in lags), max(known, default=0.0))


class LagProbe:
    """Looks behind positions, outside any consumer group; for one task at a time.  ``opened`` makes it."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def look(self, positions: Mapping[TopicPartition, int | None]) -> dict[TopicPartition, Lag]:
        """The lag behind each position, which is the next offset to process; ``None``: nothing was processed yet.

        Raises ``KafkaError``.
        """
        if not positions:
            return {}
        ends = await self._consumer.end_offsets([AioTopicPartition(*tp) for tp in positions])
        behind = [tp for tp, position in positions.items() if (position or 0) < ends[tp]]
        firsts = await self._consumer.beginning_offsets([AioTopicPartition(*tp) for tp in behind]) if behind else {}
        starts = {tp: max(positions[tp] or 0, firsts[tp]) for tp in behind}
        found = dict.fromkeys(positions, NONE)
        return found | await self._oldest({tp: (start, ends[tp]) for tp, start in starts.items() if start < ends[tp]})

    async def _oldest(self, spans: Mapping[TopicPartition, tuple[int, int]]) -> dict[TopicPartition, Lag]:
        found = {tp: Lag(end - start, None) for tp, (start, end) in spans.items()}
        self._consumer.assign([AioTopicPartition(*tp) for tp in spans])
        for tp, (start, _) in spans.items():
            self._consumer.seek(AioTopicPartition(*tp), start)
        reader, left, deadline = KafkaReader(self._consumer), set(spans), time.monotonic() + LOOK_TIMEOUT_S
        while left and (timeout := deadline - time.monotonic()) > 0:
            for chunk in await reader.pull(list(left), 1, timeout):
                end = spans[chunk.tp][1]
                record = next((record for record in chunk.records if record.offset < end), None)
                if record is not None:
                    found[chunk.tp] = Lag(end - record.offset, max(0.0, time.time() - record.timestamp / 1000))
                elif chunk.end >= end:
                    found[chunk.tp] = NONE
                else:
                    continue  # markers only, so far
                left.discard(chunk.tp)
                self._consumer.pause(AioTopicPartition(*chunk.tp))
        self._consumer.pause(*[AioTopicPartition(*tp) for tp in left])  # nothing is fetched until it is asked again
        return found


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[LagProbe]:
    """A probe.  Raises ``KafkaError`` when no broker is there."""
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # a position that retention overtakes meanwhile: what is left is behind
        max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        retry_backoff_ms=RETRY_MS,
    )
    try:
        await consumer.start()
        yield LagProbe(consumer)
    finally:
        await consumer.stop()
