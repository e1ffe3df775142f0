"""Faust's consumer with the path of single messages replaced by lanes.

Rebalance:  drain lanes → hooks → (join) → fence → recover → read positions → seek → hooks → start lanes

Fencing comes before recovery, because only then is the end of the changelog final: a predecessor that is merely slow
could still commit behind what was read.
"""

import asyncio
from typing import Any

from faust.transport.consumer import ensure_TP, ensure_TPset
from faust.transport.drivers import aiokafka as driver
from mode import Service

from streams.transport import positions, private
from streams.transport.fatal import logger
from streams.transport.kafka_reader import KafkaEnds
from streams.transport.kafka_writer import KafkaWriter, transactional_id
from streams.transport.lane import Lane
from streams.transport.port import TopicPartition
from streams.transport.thread import ConsumerThread, ThreadOffsets, ThreadReader
from streams.transport.watchdog import TICK_S, Watchdog

LEAVE_TIMEOUT_S = 1.0
CHANGELOG_WAIT_S = 0.2


class LaneConsumer(driver.Consumer):  # type: ignore[misc]
    """Owns the lanes and their writers."""

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tx = self.app.tx
        self.tx.consumer = self
        self.lanes: dict[TopicPartition, Lane] = {}
        self.writers: dict[TopicPartition, KafkaWriter] = {}
        self._ends: KafkaEnds | None = None
        self._generation = -2
        self._revocations = 0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_lane(self, tp: Any) -> bool:
        return tp.topic in self.tx.sources

    def resume_partitions(self, tps: Any) -> None:
        """Resume what Faust reads (changelogs); lanes read for themselves."""
        super().resume_partitions({tp for tp in ensure_TPset(tps) if not self._is_lane(tp)})

    async def _drain_messages(self, fetcher: Any) -> None:
        """Changelog chunks to the tables."""
        reader = ThreadReader(self._thread)
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait_first(self.can_resume_flow.wait(), timeout=1.0)
                continue
            generation = self.app.consumer_generation_id
            tps = [tp for tp in self._get_active_partitions() if not self._is_lane(tp)]
            if not tps:
                await self.sleep(0.05)
                continue
            for chunk in await reader.pull(tps, CHANGELOG_WAIT_S):
                if generation != self.app.consumer_generation_id:
                    break
                self.app.tables.recovery.apply_chunk(chunk)
                await asyncio.sleep(0)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Drain first: after this the group may give the partitions to somebody else."""
        self._revocations += 1
        await self.stop_lanes()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Fence, then let Faust recover the tables; ``perform_seek`` follows."""
        await self.stop_lanes()
        other = {tp.topic for tp in assigned} - self.tx.sources.keys() - self.app.tables.changelog_topics
        if other:
            self.tx.fatal(f"topics {sorted(other)} have agents but no tx.source(): nothing commits their positions")
        try:
            await self._open_writers(assigned, generation_id)
            await self._open_ends(assigned)
        except Exception as error:  # noqa: BLE001  aiokafka would log it and go on with partitions nobody works on
            self.tx.fatal("the clients of the lanes could not be started", error)
        await super().on_partitions_assigned(assigned, generation_id)

    async def _open_writers(self, assigned: Any, generation: int) -> None:
        """A writer for each partition.

        One is kept only when this member held the partition in the directly preceding generation (otherwise somebody
        else may have been the owner meanwhile), and when the position is in a table: group offsets of the last
        transaction are certain to be visible only after InitProducerId (``port.Offsets.committed``).
        """
        wanted = {tp for tp in assigned if self._is_lane(tp) and self.tx.sources[tp.topic].transactional}
        for tp in list(self.writers):
            kept = tp in wanted and generation == self._generation + 1 and self.tx.sources[tp.topic].table is not None
            if not kept:
                await self.writers.pop(tp).close()
        self._generation = generation
        group = self.app.conf.id

        async def open_writer(tp: Any) -> None:
            self.writers[tp] = await KafkaWriter.open(transactional_id(group, tp), group, self.tx.options)

        await asyncio.gather(*[open_writer(tp) for tp in wanted - self.writers.keys()])

    async def _open_ends(self, assigned: Any) -> None:
        woken = [TopicPartition(*tp) for tp in assigned if self._is_lane(tp) and self.tx.sources[tp.topic].wake_at]
        if woken and self._ends is None:
            self._ends = await KafkaEnds.open(self.tx.options, woken)

    async def perform_seek(self) -> None:
        """Called by Faust when the tables are current."""
        revocations = self._revocations
        reader = ThreadReader(self._thread)
        starts: dict[TopicPartition, positions.Start] = {}
        for source in self.tx.sources.values():
            tps = [TopicPartition(*tp) for tp in self.assignment() if tp.topic == source.name]
            starts.update(
                await positions.start(
                    source.positions, tps, ThreadOffsets(self._thread), self.tx.counters, self.tx.fatal
                )
            )
        await self._thread.seek_wait({ensure_TP(tp): start.position for tp, start in starts.items()})
        await self.stop_lanes()
        for tp, start in starts.items():
            if revocations != self._revocations:
                return  # rebalancing again: these positions belong to the past
            source = self.tx.sources[tp.topic]
            await source.assigned(tp.partition)
            if start.unsaved and source.stores_offsets:
                source.store_offset(tp, start.position)
            if revocations == self._revocations:
                lane = self.lanes[tp] = Lane(source, tp, start, reader, self.writers.get(tp), self._ends)
                lane.begin()

    async def stop_lanes(self) -> None:
        """Finish running batches, run ``on_revoked``, flush stored offsets."""
        lanes, self.lanes = self.lanes, {}
        await asyncio.gather(*[self._stop_lane(lane) for lane in lanes.values()])
        if lanes:
            await self._flush_stored()

    async def _stop_lane(self, lane: Lane) -> None:
        await lane.stop()
        timeout = self.tx.options.drain_timeout_s
        try:
            async with asyncio.timeout(timeout):
                await lane.source.revoked(lane.tp.partition)
        except TimeoutError:
            self.tx.fatal(f"on_revoked of {lane.tp.topic}[{lane.tp.partition}] took longer than {timeout} s")

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch(self) -> None:
        watchdog = Watchdog(self)
        while not self.should_stop:
            await self.sleep(TICK_S)
            watchdog.tick()

    @Service.task  # type: ignore[untyped-decorator]
    async def _flush_stored_offsets(self) -> None:
        while not self.should_stop:
            await self.sleep(self.tx.options.offsets_every_s)
            await self._flush_stored()

    async def _flush_stored(self) -> None:
        """Commit what agents and tables stored.  A failure (rebalancing, expired session) costs repeated work only."""
        for source in self.tx.sources.values():
            offsets = source.take_stored()
            if not offsets:
                continue
            try:
                async with asyncio.timeout(self.tx.options.drain_timeout_s):
                    await self._thread.run(self._thread.commit_offsets(offsets))
            except (driver.KafkaError, TimeoutError) as error:
                logger.warning("offsets of %s not committed, will be tried again: %r", source.name, error)
                source.restore({tp: offset for tp, offset in offsets.items() if tp in self.lanes})

    async def wait_empty(self) -> None:
        """Part of the app's shutdown: finish running batches, then leave the group before anything slow happens."""
        await self.stop_lanes()
        if self.should_stop or self.app.should_stop:
            await self._leave_group()
            writers, self.writers = self.writers, {}
            await asyncio.gather(*[writer.close() for writer in writers.values()])
            if self._ends is not None:
                await self._ends.close()

    async def _leave_group(self) -> None:
        static = self.app.conf.consumer_group_instance_id is not None
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await self._thread.run(private.leave_group(self._thread.consumer_or_none, send_leave=not static))
        except Exception as error:  # noqa: BLE001  the session timeout does it then
            logger.warning("could not leave the group, its session will expire: %r", error)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing is acknowledged per message; positions are written by the lanes."""
        return False

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's stall detector looks at acknowledgements; ``watchdog.py`` looks at lanes."""

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """Topics are declared in ``redpanda/topics.yaml``; nothing is created on the way."""
