"""Faust's recovery of a table with ``streams.transport.restoring`` in it, as ``recovery.py`` and ``consumer.py`` there.

    assigned ─► plan ─► where does it end? ─► where does it begin? ─► begin ─► seek ─► (chunks come) ─► recovered

These steps are a task that goes on, as in Faust, until the next assignment has got as far as planning: it may seek for
the former one, and have chunks read, when the table has already been told to forget.
"""

import asyncio
from collections.abc import Iterable

from streams.transport.fatal import Fatal
from streams.transport.memory import MemoryTable
from streams.transport.port import TopicPartition
from streams.transport.restoring import Restoring
from tests.simulation.broker import Broker
from tests.simulation.kafka import Offsets, Reader

MAX_RECORDS = 40
"""Few, so that a table is restored from several chunks."""
WAIT_S = 0.2
"""Before it is asked again when nothing has come."""


class Recovery:
    """Of the one table of a process."""

    def __init__(self, table: MemoryTable, broker: Broker, reader: Reader, fatal: Fatal) -> None:
        self._changelog, self._contents = table.changelog, table.contents
        self._network, self._reader, self._offsets = broker.network, reader, Offsets(broker)
        self._restoring = Restoring(fatal)
        self._from: dict[TopicPartition, int] = {}
        """What is to be restored, and from where on."""
        self._ends: dict[TopicPartition, int] = {}
        self._flows, self._ended = asyncio.Event(), asyncio.Event()

    def plan(self, tps: Iterable[TopicPartition]) -> None:
        """What is assigned is to be restored next; the former task is at its end."""
        self.suspend()
        position = self._contents.position
        self._from = {tp: position.get(tp.partition, 0) for tp in tps if tp.topic == self._changelog}

    def suspend(self) -> None:
        """Read nothing until a recovery goes on."""
        self._flows.clear()

    async def restore(self) -> None:
        """Read what is planned to its end."""
        planned = self._from
        await self._network.queue()
        ends = {tp: end for tp, (_, end) in (await self._offsets.bounds(list(planned))).items()}
        firsts = {tp: first for tp, (first, _) in (await self._offsets.bounds(list(planned))).items()}
        await self._restoring.begin(dict.fromkeys(planned, self._contents), self._firsts)
        for tp, at in planned.items():
            await self._reader.seek(tp, max(at, firsts[tp]))
        self._ends = ends
        self._ended.clear()  # the former one's may have been seen meanwhile
        self._flows.set()
        self._check()
        await self._ended.wait()
        self._flows.clear()

    async def read(self) -> None:
        """Chunks to the table, while a recovery goes on."""
        while True:
            await self._flows.wait()
            chunks = await self._reader.pull(self._from, MAX_RECORDS)
            for chunk in chunks:
                if chunk.tp not in self._from:
                    continue
                if (wanted := self._restoring.take(self._contents, chunk)) is not None:
                    await self._reader.seek(chunk.tp, wanted)
                self._check()
                await asyncio.sleep(0)
            if not chunks:
                await asyncio.sleep(WAIT_S)

    async def _firsts(self, unknown: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: first for tp, (first, _) in (await self._offsets.bounds(list(unknown))).items()}

    def _check(self) -> None:
        if all(self._contents.position.get(tp.partition, -1) >= end for tp, end in self._ends.items()):
            self._ended.set()
