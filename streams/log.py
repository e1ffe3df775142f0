"""The log read as a whole: the committed records of some partitions, from one offset to another.

For whoever folds it (``weir verify``, ``weir replay``, ``weir show --at``), outside any consumer group and beside the
roles that work on it.

A span ends at an offset, not at a record: the last offsets of a partition may be markers of transactions, aborted
records, or compacted ones.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition

from streams.kafka import client_options
from streams.settings import Settings
from streams.transport.contents import TableContents
from streams.transport.kafka_reader import KafkaOffsets, KafkaReader
from streams.transport.port import Chunk, TopicPartition

MAX_PARTITION_FETCH_BYTES = 4 * 1024 * 1024
FETCH_WAIT_MS = 20
"""How long the broker holds a fetch that finds nothing: what the next partition to be read waits for."""
RETRY_MS = 10
"""The client asks again so soon for who leads a partition, of which it forgets all but the topics it reads."""
SETTLE_POLL_S = 0.02
STALL_S = 60.0


class LogError(Exception):
    """The log cannot be read as asked; the message names the partition."""


class Span(NamedTuple):
    """Offsets of a partition from ``start`` up to, not including, ``end``."""

    start: int
    end: int


Spans = dict[TopicPartition, Span]


class LogReader(Protocol):
    """What the checks of the log ask of one; ``Log`` over Kafka is one, a simulated broker may be another."""

    async def bounds(self, tps: Sequence[TopicPartition]) -> Spans:
        """What is committed now, from the first offset that is still there."""

    async def settled(self, tps: Sequence[TopicPartition], timeout_s: float = STALL_S) -> Spans:
        """Like ``bounds``, once every transaction that has a record there at the time of the call has ended."""

    def read(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Chunk]:
        """The committed records of ``spans``, each partition's in order and up to the end of its span exactly."""


class Log:
    """The topics of one broker, for one task at a time.  ``opened`` makes it."""

    def __init__(self, committed: AIOKafkaConsumer, written: AIOKafkaConsumer) -> None:
        """``committed`` sees committed records only; ``written`` all of them, and is asked for ends alone."""
        self._committed, self._written = committed, written

    async def bounds(self, tps: Sequence[TopicPartition]) -> Spans:
        """What is committed now: up to the first record of a transaction that is still open."""
        bounds = await KafkaOffsets(self._committed).bounds(tps)
        return {tp: Span(*bounds[tp]) for tp in tps}

    async def since(self, tps: Sequence[TopicPartition], unix_ms: int) -> dict[TopicPartition, int]:
        """The first offsets that were written then or later; the ends, where nothing was."""
        found = await self._committed.offsets_for_times({AioTopicPartition(*tp): unix_ms for tp in tps})
        ends = await self.bounds(tps)
        at = {TopicPartition(*tp): one for tp, one in found.items()}
        return {tp: ends[tp].end if (one := at.get(tp)) is None else one.offset for tp in tps}

    async def settled(self, tps: Sequence[TopicPartition], timeout_s: float = STALL_S) -> Spans:
        """Like ``bounds``, once every transaction that has a record there at the time of the call has ended.

        So what was seen anywhere of a transaction before the call, the spans hold the rest of.  Raises ``LogError``
        when a transaction stays open for ``timeout_s`` seconds.
        """
        written = await KafkaOffsets(self._written).bounds(tps)
        deadline = time.monotonic() + timeout_s
        while True:
            spans = await self.bounds(tps)
            unsettled = [tp for tp in tps if spans[tp].end < written[tp][1]]
            if not unsettled:
                return spans
            if time.monotonic() > deadline:
                tp = unsettled[0]
                raise LogError(
                    f"Expected the transactions on {tp.topic}[{tp.partition}] to end within {timeout_s:g} s, but one "
                    f"is open at offset {spans[tp].end}: has its worker stopped in the middle of it?"
                )
            await asyncio.sleep(SETTLE_POLL_S)

    async def read(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Chunk]:
        """The records of ``spans``, each partition's in order and up to the end of its span exactly.

        Chunks of different partitions take turns.  Raises ``LogError`` where the log begins after a span does, and
        when nothing more comes.
        """
        left = {tp: span for tp, span in spans.items() if span.start < span.end}
        await self._check_starts(left)
        self._committed.assign([AioTopicPartition(*tp) for tp in left])
        for tp, span in left.items():
            self._committed.seek(AioTopicPartition(*tp), span.start)
        reader = KafkaReader(self._committed)
        while left:
            chunks = await reader.pull(list(left), None, STALL_S)
            if not chunks:
                tp, span = next(iter(left.items()))
                raise LogError(f"Expected {tp.topic}[{tp.partition}] up to offset {span.end}, but nothing more comes")
            for chunk in chunks:
                span = left[chunk.tp]
                if chunk.end >= span.end:
                    del left[chunk.tp]
                    self._committed.pause(AioTopicPartition(*chunk.tp))
                    inside = [record for record in chunk.records if record.offset < span.end]
                    yield chunk._replace(records=inside, end=span.end)
                else:
                    yield chunk

    async def _check_starts(self, spans: Mapping[TopicPartition, Span]) -> None:
        if not spans:
            return
        for tp, (first, _) in (await self.bounds(list(spans))).items():
            if spans[tp].start < first:
                raise LogError(
                    f"Expected {tp.topic}[{tp.partition}] from offset {spans[tp].start} on, but it begins at {first}: "
                    f"{first - spans[tp].start} records are gone"
                )


async def read_tables(log: LogReader, changelogs: Mapping[TopicPartition, Span]) -> dict[int, dict[bytes, bytes]]:
    """By partition, what a table holds that has these changelogs.  Raises ``LogError`` when records are missing."""
    contents = TableContents()
    for tp, span in changelogs.items():
        contents.begin(tp.partition, span.start)
    async for chunk in log.read(changelogs):
        if not contents.apply_chunk(chunk):
            at = contents.position[chunk.tp.partition]
            raise LogError(
                f"Expected {chunk.tp.topic}[{chunk.tp.partition}] to go on at {at}, but got [{chunk.start}, "
                f"{chunk.end}): changelog records are missing"
            )
    return contents.parts


async def beginnings(settings: Settings, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The first offset that each partition still holds.  Raises ``KafkaError``."""
    consumer = AIOKafkaConsumer(**client_options(settings))
    try:
        await consumer.start()  # within: a rebalance may cancel it
        found = await consumer.beginning_offsets([AioTopicPartition(*tp) for tp in tps])
    finally:
        await consumer.stop()
    return {TopicPartition(*tp): offset for tp, offset in found.items()}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Log]:
    """A log to read from.  Raises ``KafkaError`` when no broker is there."""
    async with AsyncExitStack() as stack:
        consumers = []
        for isolation in ("read_committed", "read_uncommitted"):
            consumer = AIOKafkaConsumer(
                **client_options(settings),
                isolation_level=isolation,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
                fetch_max_wait_ms=FETCH_WAIT_MS,
                retry_backoff_ms=RETRY_MS,
            )
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            consumers.append(consumer)
        yield Log(*consumers)
