"""A source: an input topic, where its positions live, its hooks, and the queue of batches that wait for an agent.

Batches of all lanes (partitions) of the topic meet in one queue; the agents' coroutines take them from there.  A lane
puts its next batch only when the last one is done, so a partition is never in two agents at a time.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from streams.transport.batch import Batch
from streams.transport.fatal import Fatal, exit_process
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import TopicPartition
from streams.transport.positions import ChangelogTable, GroupPositions, Positions, TablePositions

Hook = Callable[[int], Awaitable[None] | None]


class Source:
    """Made by ``Transport.source``; ``topic`` is the Faust topic to give to ``@app.agent``."""

    def __init__(
        self,
        name: str,
        positions: Positions,
        options: TransportOptions,
        counters: Counters,
        *,
        topic: Any = None,
        wake_at: Callable[[int], float | None] | None = None,
        on_assigned: Hook | None = None,
        on_revoked: Hook | None = None,
        fatal: Fatal = exit_process,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name, self.topic, self.positions = name, topic, positions
        self.options, self.counters, self.fatal, self.clock = options, counters, fatal, clock
        self.wake_at, self._on_assigned, self._on_revoked = wake_at, on_assigned, on_revoked
        self.max_records = 1000
        self.ready: asyncio.Queue[Batch] = asyncio.Queue()
        self._stored: dict[TopicPartition, int] = {}

    @property
    def table(self) -> ChangelogTable | None:
        """The table that holds the positions, if one does."""
        return self.positions.table if isinstance(self.positions, TablePositions) else None

    @property
    def transactional(self) -> bool:
        """Whether batches are written through Kafka transactions of this transport."""
        if isinstance(self.positions, GroupPositions):
            return self.positions.transactional
        return isinstance(self.positions, TablePositions)

    @property
    def stores_offsets(self) -> bool:
        """Whether the agent stores offsets by itself, with ``store_offset``."""
        return isinstance(self.positions, GroupPositions) and not self.positions.transactional

    def store_offset(self, tp: TopicPartition, offset: int) -> None:
        """Keep ``offset`` (the lowest that is not finished) for the group; flushed every second, and on revocation."""
        if not self.stores_offsets:
            raise TypeError(
                f"Expected {self.name} to have GroupPositions(transactional=False), but got {self.positions}: "
                "there the position is written with the batch"
            )
        self._stored[tp] = offset

    def show_offset(self, tp: TopicPartition, offset: int) -> None:
        """Have the group show ``offset``, the position of a table: for dashboards, nothing starts from it."""
        self._stored[tp] = offset

    async def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The group has taken ``offsets``."""
        if isinstance(self.positions, GroupPositions) and self.positions.kept is not None:
            await self.positions.kept.keep(offsets)

    def take_stored(self) -> dict[TopicPartition, int]:
        """Offsets to be flushed now; each is given out once."""
        stored, self._stored = self._stored, {}
        return stored

    def restore(self, offsets: dict[TopicPartition, int]) -> None:
        """Put back what could not be flushed, unless something newer was stored."""
        self._stored = {**offsets, **self._stored}

    def next_wake(self, partition: int) -> float | None:
        """When (Unix s) a batch is wanted even without records; None for never."""
        return None if self.wake_at is None else self.wake_at(partition)

    async def assigned(self, partition: int) -> None:
        """Run ``on_assigned``: the table is recovered, no batch has been handed out."""
        await _run(self._on_assigned, partition)

    async def revoked(self, partition: int) -> None:
        """Run ``on_revoked``: the running batch is done, no other will come."""
        await _run(self._on_revoked, partition)

    async def batches(self, max_records: int = 1000) -> AsyncIterator[Batch]:
        """Batches as they come; one whose body failed comes a second time, with ``attempt`` 2."""
        self.max_records = max_records
        while True:
            batch = await self.ready.get()
            while batch.begin_attempt():
                yield batch
            batch.finished.set()


async def _run(hook: Hook | None, partition: int) -> None:
    if hook is not None:
        result = hook(partition)
        if inspect.isawaitable(result):
            await result
