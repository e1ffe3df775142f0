"""Spans of the log through a ``Projector``, in batches as large as a bulk load wants them.

Batches of different partitions are projected side by side, so that decoding here and writing there overlap; those of
one partition one after another.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from projections.projector import Projector
from projections.records import Batch
from streams.cancelling import cancel
from streams.log import Log, Span
from streams.records import Record
from streams.transport.port import TopicPartition

BATCH_RECORDS = 20_000
PENDING_RECORDS = 100_000
"""How many records wait for a full batch, in all partitions together: bounds the memory."""
CONCURRENT = 2

OnBatch = Callable[[Batch], None]


@dataclass
class _Pending:
    """A batch in the making; a ``projections.records.Batch``."""

    tp: TopicPartition
    start: int
    end: int
    records: list[Record] = field(default_factory=list)


class _Lanes:
    """Batches on their way, at most one a partition."""

    def __init__(self, projector: Projector, projected: OnBatch) -> None:
        self._projector, self._projected = projector, projected
        self._running: dict[TopicPartition, asyncio.Task[None]] = {}

    async def put(self, batch: Batch) -> None:
        """Begin with ``batch``, once there is room.  Raises what projecting an earlier one raised."""
        while batch.tp in self._running or len(self._running) >= CONCURRENT:
            await self._next_ended()
        self._running[batch.tp] = asyncio.create_task(self._project(batch))

    async def drain(self) -> None:
        """Until all are projected."""
        while self._running:
            await self._next_ended()

    async def abandon(self) -> None:
        """Cancel what runs, and wait for it to end."""
        await cancel(self._running.values())

    async def _project(self, batch: Batch) -> None:
        await self._projector.project(batch)
        self._projected(batch)

    async def _next_ended(self) -> None:
        await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        for tp in [tp for tp, task in self._running.items() if task.done()]:
            self._running.pop(tp).result()


async def project_spans(
    log: Log, projector: Projector, spans: Mapping[TopicPartition, Span], projected: OnBatch
) -> None:
    """Project ``spans``, each from the position of its partition; ``projected`` is called for each batch.

    Raises ``LogError``, ``KafkaError``, ``ProjectionError``; what was projected until then stays.
    """
    lanes = _Lanes(projector, projected)
    pending: dict[TopicPartition, _Pending] = {}
    waiting = 0
    try:
        async for chunk in log.read(spans):
            batch = pending.setdefault(chunk.tp, _Pending(chunk.tp, chunk.start, chunk.end))
            batch.records.extend(chunk.records)
            batch.end = chunk.end
            waiting += len(chunk.records)
            full = [batch] if len(batch.records) >= BATCH_RECORDS or batch.end == spans[batch.tp].end else []
            if not full and waiting >= PENDING_RECORDS:
                full = [max(pending.values(), key=lambda one: len(one.records))]
            for one in full:
                waiting -= len(pending.pop(one.tp).records)
                await lanes.put(one)
        await lanes.drain()
    finally:
        await lanes.abandon()
