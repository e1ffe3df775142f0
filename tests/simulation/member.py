"""A member of a consumer group: what Faust and aiokafka do around ``streams.transport.assignment``.

    join ─► assigned ─► restore the tables ─► recovered ─► heartbeats … ─► the group rebalances ─► revoked ─► join

As in Faust, the restoring goes on by itself while the next rebalance begins, until that has got as far as restoring.
How a table is restored is in ``recovery.py``.
"""

import asyncio
from collections.abc import Mapping, Sequence

from streams.transport.assignment import Assignment
from streams.transport.kafka_writer import transactional_id
from streams.transport.memory import MemoryTable
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import TopicPartition
from streams.transport.source import Source
from tests.simulation.broker import Broker
from tests.simulation.group import SESSION_S, NotMemberError
from tests.simulation.kafka import Ends, LaneReader, Offsets, Reader, Writer
from tests.simulation.process import Process
from tests.simulation.recovery import Recovery

HEARTBEAT_S = SESSION_S / 4
FLUSH_S = 2.0


class Member:
    """``assignment.Member`` and the loop around it."""

    def __init__(
        self,
        process: Process,
        broker: Broker,
        group: str,
        sources: Sequence[Source],
        table: MemoryTable | None,
        options: TransportOptions,
    ) -> None:
        self.held = Assignment({source.name: source for source in sources}, self, options, Counters(), process.exit)
        self._process, self._broker, self._group = process, broker, group
        self._reader, self._generation, self._joins = Reader(broker), 0, 0
        self._recovery = None
        self._topics: tuple[str, ...] = tuple(source.name for source in sources)
        if table is not None:
            self._topics += (table.changelog,)
            self._recovery = Recovery(table, broker, self._reader, process.exit)
        self._restoring: asyncio.Task[None] | None = None
        self._background: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()
        self._forgotten = False

    @property
    def _id(self) -> str:
        return f"{self._process.name}.{self._joins}"

    # ---- assignment.Member

    async def open_reader(self) -> LaneReader:
        return LaneReader(self._broker)

    def offsets(self) -> Offsets:
        return Offsets(self._broker, self._group)

    async def open_writer(self, tp: TopicPartition) -> Writer:
        return await Writer.open(self._broker, self._group, transactional_id(self._group, tp))

    async def open_ends(self, tps: Sequence[TopicPartition]) -> Ends:
        return Ends(self._broker)

    async def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        group, name, generation = self._broker.group(self._group), self._id, self._generation
        await self._broker.network.ask(lambda: group.commit(name, generation, dict(offsets)))

    # ---- the group

    async def run(self) -> None:
        """Be a member until the process ends."""
        self._background = [asyncio.create_task(self._beat()), asyncio.create_task(self._flush())]
        if self._recovery is not None:
            self._background.append(asyncio.create_task(self._recovery.read()))
        while True:
            await self._join()
            await self._moved.wait()
            await self.held.revoked()
            if self._recovery is not None:
                self._recovery.suspend()

    async def leave(self) -> None:
        """Finish what is running, and give the partitions to the others (SIGTERM)."""
        await self.held.drain()
        group, name = self._broker.group(self._group), self._id
        await self._broker.network.ask(lambda: group.leave(name))
        await self.held.close()

    async def _join(self) -> None:
        if self._forgotten:
            self._joins, self._forgotten = self._joins + 1, False
        group, name = self._broker.group(self._group), self._id
        while (assigned := await self._broker.network.ask(lambda: group.join(name, self._topics))) is None:
            pass  # the group rebalances once more
        generation, tps = assigned
        self._moved.clear()
        self._generation = generation
        self._reader.assigned(tps)
        await self.held.assigned(tps, generation)
        if self._restoring is not None:
            self._restoring.cancel()
        if self._recovery is not None:
            self._recovery.plan(tps)
        self._restoring = asyncio.create_task(self._restore(tps, generation))

    async def _beat(self) -> None:
        """Go on also while batches are drained: until the group rebalances, or has forgotten this member."""
        group = self._broker.group(self._group)
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            name, generation = self._id, self._generation
            try:
                stays = group.heartbeat(name, generation)  # at once: nothing hangs on when it arrives
            except NotMemberError:
                self._forgotten, stays = True, False
            if not stays and generation == self._generation:
                self._moved.set()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.held.flush_stored()

    # ---- tables

    async def _restore(self, tps: Sequence[TopicPartition], generation: int) -> None:
        try:
            if self._recovery is not None:
                await self._recovery.restore()
            if generation == self._generation:
                await self.held.recovered(tps)
        except Exception as error:  # noqa: BLE001 - Faust ends the app
            self._process.exit("recovery failed", error)
