"""What a member of the group does with the partitions that it is given, whatever gives them to it.

    revoked ──► drain lanes ─► on_revoked ─► flush offsets             (then the group may give the partitions away)
    assigned ─► fence ──────► (the tables recover) ──► recovered ─► read positions ─► on_assigned ─► start lanes

Fencing comes before recovery, because only then is the end of the changelog final: a predecessor that is merely slow
could still commit behind what was read.

Each step may be overtaken by the next rebalance, and a rebalance may come while the process is being stopped:
* a recovery that ends while the next assignment is prepared starts nothing: its partitions are those of the past;
* lanes that are being stopped, by whomever, are waited for by every revocation;
* once ``drain`` was called no lane starts any more.

What is kept from one generation of the group to the next (writers, contents of tables) is kept only when this member
held the partition in the directly preceding one.  Else somebody else may have been the owner meanwhile: a writer may be
fenced, and the changelog may have lost tombstones of keys that the table still holds.

``consumer.py`` drives this from Faust.  No Faust and no Kafka in here: the simulation drives it from its own broker.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from streams.transport import positions
from streams.transport.fatal import Fatal, logger
from streams.transport.lane import Lane
from streams.transport.options import Counters, TransportOptions
from streams.transport.port import Ends, Offsets, PortError, Reader, TopicPartition, Writer
from streams.transport.source import Source


class Member(Protocol):
    """The broker, as this member of the group has it."""

    async def open_reader(self) -> Reader:
        """Opened once, with the first assignment."""
        ...

    def offsets(self) -> Offsets: ...

    async def open_writer(self, tp: TopicPartition) -> Writer:
        """The writer of the input ``tp``; fences whoever had it before."""
        ...

    async def open_ends(self, tps: Sequence[TopicPartition]) -> Ends:
        """Opened once, when ``tps`` are the first partitions to be woken."""
        ...

    async def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit to the group, as its present generation.  Raises ``PortError``: nothing is known to be committed."""
        ...


class Assignment:
    """The lanes of this member and their writers."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        member: Member,
        options: TransportOptions,
        counters: Counters,
        fatal: Fatal,
    ) -> None:
        self.lanes: dict[TopicPartition, Lane] = {}
        self.writers: dict[TopicPartition, Writer] = {}
        self._sources, self._member, self._options = sources, member, options
        self._counters, self._fatal = counters, fatal
        self._reader: Reader | None = None
        self._ends: Ends | None = None
        self._generation = -2
        self._epoch = self._prepared_epoch = 0
        """The epoch grows with every step of a rebalance; only what was prepared in the present one may start."""
        self._stopping: set[asyncio.Task[None]] = set()
        self._draining = False

    async def revoked(self) -> None:
        """Drain first: after this the group may give the partitions to somebody else."""
        self._epoch += 1
        epoch = self._epoch
        await self.stop_lanes()
        if self._reader is not None and self._epoch == epoch:
            self._reader.begin({})

    async def drain(self) -> None:
        """The process ends: finish running batches, start nothing any more.  Not for long."""
        self._draining = True
        try:
            async with asyncio.timeout(self._options.shutdown_timeout_s):
                await self.stop_lanes()
        except TimeoutError:
            logger.warning("what is under way is left to whoever comes next: it does not end, or Kafka is away")

    async def assigned(self, tps: Collection[TopicPartition], generation: int) -> None:
        """Fence whoever had the partitions; the tables recover next, then ``recovered``."""
        self._epoch += 1
        epoch = self._epoch
        await self.stop_lanes()
        mine = [TopicPartition(*tp) for tp in tps if tp.topic in self._sources]
        continuous = generation == self._generation + 1
        self._generation = generation
        self._keep_contents(mine if continuous else ())
        if self._draining:
            return
        try:
            await self._open_writers(mine, continuous=continuous)
            await self._open_ends(mine)
            if self._reader is None:
                self._reader = await self._member.open_reader()
        except Exception as error:  # noqa: BLE001  aiokafka would log it and go on with partitions nobody works on
            self._fatal("the clients of the lanes could not be started", error)
        self._prepared_epoch = epoch

    async def recovered(self, tps: Collection[TopicPartition]) -> None:
        """The tables are current: start a lane for each of ``tps``."""
        epoch = self._epoch
        if not self._may_start(epoch):
            return
        starts: dict[TopicPartition, positions.Start] = {}
        for kept, mine in self._by_positions(tps):
            starts |= await positions.start(kept, mine, self._member.offsets(), self._counters, self._fatal)
        await self.stop_lanes()
        reader = self._reader
        if reader is None or not self._may_start(epoch):
            return  # rebalancing again: these positions belong to the past
        reader.begin({tp: start.position for tp, start in starts.items()})
        for tp, start in starts.items():
            if not self._may_start(epoch):
                return
            source = self._sources[tp.topic]
            await source.assigned(tp.partition)
            if not self._may_start(epoch):
                await source.revoked(tp.partition)  # no lane will do it
                return
            if start.unsaved and source.stores_offsets:
                source.store_offset(tp, start.position)
            lane = self.lanes[tp] = Lane(source, tp, start, reader, self.writers.get(tp), self._ends)
            lane.begin()

    def _by_positions(self, tps: Collection[TopicPartition]) -> list[tuple[positions.Positions, list[TopicPartition]]]:
        """The inputs among ``tps``; those whose positions are one object come together, and are asked for at once."""
        groups: dict[int, tuple[positions.Positions, list[TopicPartition]]] = {}
        for tp in tps:
            if (source := self._sources.get(tp.topic)) is not None:
                _, mine = groups.setdefault(id(source.positions), (source.positions, []))
                mine.append(TopicPartition(*tp))
        return list(groups.values())

    def _may_start(self, epoch: int) -> bool:
        """Whether ``epoch`` is the present one, and its writers are open."""
        return self._epoch == self._prepared_epoch == epoch and not self._draining

    async def stop_lanes(self) -> None:
        """Finish running batches, run ``on_revoked``, flush stored offsets; also of lanes that are being stopped."""
        lanes, self.lanes = self.lanes, {}
        for tp, lane in lanes.items():
            task = asyncio.create_task(self._stop_lane(lane), name=f"stop {tp.topic}[{tp.partition}]")
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        if self._stopping:
            stopped, _ = await asyncio.wait(self._stopping)  # not gather: who waits may be cancelled, the lanes go on
            for task in stopped:
                task.result()
            await self.flush_stored()

    async def flush_stored(self) -> None:
        """Commit what agents and tables stored.  A failure (rebalancing, expired session) costs repeated work only."""
        for source in self._sources.values():
            offsets = source.take_stored()
            if not offsets:
                continue
            try:
                async with asyncio.timeout(self._options.drain_timeout_s):
                    await self._member.commit_offsets(offsets)
                    await source.committed(offsets)
            except (PortError, TimeoutError) as error:
                logger.warning("offsets of %s not committed, will be tried again: %r", source.name, error)
                source.restore({tp: offset for tp, offset in offsets.items() if tp in self.lanes})

    async def close(self) -> None:
        """Close what was opened for lanes that are stopped."""
        writers, self.writers = self.writers, {}
        await asyncio.gather(*[writer.close() for writer in writers.values()])
        for opened in (self._reader, self._ends):
            if opened is not None:
                await opened.close()

    def _keep_contents(self, tps: Collection[TopicPartition]) -> None:
        """Tables forget all partitions but those of the inputs ``tps``; they are recovered from the start."""
        for source in self._sources.values():
            if source.table is not None:
                source.table.contents.keep_only({tp.partition for tp in tps if tp.topic == source.name})

    async def _open_writers(self, tps: Sequence[TopicPartition], *, continuous: bool) -> None:
        """A writer for each partition.

        One is kept only when the position is in a table, too: group offsets of the last transaction are certain to be
        visible only after InitProducerId (``port.Offsets.committed``).
        """
        wanted = {tp for tp in tps if self._sources[tp.topic].transactional}
        for tp in list(self.writers):
            kept = tp in wanted and continuous and self._sources[tp.topic].table is not None
            if not kept:
                await self.writers.pop(tp).close()

        async def open_writer(tp: TopicPartition) -> None:
            self.writers[tp] = await self._member.open_writer(tp)

        await asyncio.gather(*[open_writer(tp) for tp in sorted(wanted - self.writers.keys())])

    async def _open_ends(self, tps: Sequence[TopicPartition]) -> None:
        woken = [tp for tp in tps if self._sources[tp.topic].wake_at]
        if woken and self._ends is None:
            self._ends = await self._member.open_ends(woken)

    async def _stop_lane(self, lane: Lane) -> None:
        await lane.stop()
        timeout = self._options.drain_timeout_s
        try:
            async with asyncio.timeout(timeout):
                await lane.source.revoked(lane.tp.partition)
        except TimeoutError:
            self._fatal(f"on_revoked of {lane.tp.topic}[{lane.tp.partition}] took longer than {timeout} s")
