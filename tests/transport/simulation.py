"""A process with one lane over the simulated broker, and agents for it."""

import asyncio
import contextlib
from typing import ClassVar

from streams.transport import positions as positions_module
from streams.transport.lane import Lane
from streams.transport.memory import MemoryEnds, MemoryOffsets, MemoryReader, MemoryTable, MemoryWriter
from streams.transport.memory_broker import MemoryBroker
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import Chunk, TopicPartition
from streams.transport.positions import GroupPositions, TablePositions
from streams.transport.source import Source
from tests.transport.harness import message

DEADLINE_S = 5.0
IN, OUT = TopicPartition("in", 0), TopicPartition("out", 0)
CHANGELOG = TopicPartition("changelog", 0)
GROUP = "group"


class ProcessEnded(BaseException):
    """Stands for the exit of the process; a BaseException, since nothing may catch it."""


class Simulation:
    """A process with one lane; another one on the same ``broker`` is its successor."""

    running: ClassVar[list["Simulation"]] = []

    def __init__(self, kind="table", broker=None, **options):
        self.broker = broker or MemoryBroker()
        if broker is None:
            for topic in ("in", "out", "changelog"):
                self.broker.create_topic(topic, 2)
        self.kind, self.deaths, self.counters = kind, asyncio.Queue(), Counters()
        self.table = MemoryTable("changelog")
        self.positions = {
            "table": TablePositions(self.table),
            "group": GroupPositions(missing="latest"),
            "stored": GroupPositions(missing="fatal", transactional=False),
        }.get(kind, kind)
        self.options = TransportOptions(client={}, **{"offsets_every_s": 0.05, "idle_offsets_every_s": 0.05, **options})
        self.wake = None
        self.source = Source(
            "in", self.positions, self.options, self.counters, fatal=self.fatal, wake_at=lambda _: self.wake
        )
        self.lane = None
        Simulation.running.append(self)

    def fatal(self, message, error=None):
        self.deaths.put_nowait((message, error))
        raise ProcessEnded(message)

    async def start(self):
        reader = MemoryReader(self.broker)
        writer = MemoryWriter(self.broker, "id", GROUP)
        records, end = self.broker.log(CHANGELOG).read(0, 10**9)
        self.table.contents.begin(0, 0)
        self.table.contents.apply_chunk(Chunk(CHANGELOG, 0, records, end, end))
        starts = await positions_module.start(
            self.positions, [IN], MemoryOffsets(self.broker, GROUP), self.counters, self.fatal
        )
        reader.begin({IN: starts[IN].position})
        self.lane = Lane(self.source, IN, starts[IN], reader, writer, MemoryEnds(self.broker))
        self.lane.begin()
        return self

    def feed(self, *values):
        self.broker.append(IN, [message(b"k", value.encode()) for value in values])

    def values(self, tp):
        return [record.value.decode() for record in self.broker.log(tp).read(0, 10**9)[0]]

    async def next_batch(self, batches):
        async with asyncio.timeout(DEADLINE_S):
            return await anext(batches)

    async def death(self):
        async with asyncio.timeout(DEADLINE_S):
            return await self.deaths.get()

    async def close(self):
        if self.lane is not None and self.lane._task is not None:
            self.lane._task.cancel()
            await asyncio.wait([self.lane._task])
            if not self.lane._task.cancelled() and self.lane._task.exception() is not None:
                assert isinstance(self.lane._task.exception(), ProcessEnded)


@contextlib.asynccontextmanager
async def agent(simulation, body, max_records=1000):
    """Run ``body(batch, txn)`` on every batch, as a Faust agent would."""
    seen = []

    async def work():
        async for batch in simulation.source.batches(max_records):
            seen.append((batch.start, batch.end, [r.value.decode() for r in batch.records], batch.attempt))
            async with batch.transaction() as txn:
                body(batch, txn)

    task = asyncio.create_task(work())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProcessEnded):
            await task


def fold(batch, txn):
    for record in batch.records:
        count = int(txn.get(record.key, b"0")) + 1
        txn[record.key] = b"%d" % count
        txn.send("out", 0, record.key, b"%d:%s" % (count, record.value))
