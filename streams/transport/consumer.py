"""Faust's consumer with the path of single messages replaced by lanes: it drives ``assignment.py``.

Rebalance:  drain lanes → hooks → (join) → fence → recover → read positions → hooks → start lanes
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from mode import Service

from streams.transport.assignment import Assignment
from streams.transport.fatal import logger
from streams.transport.kafka_reader import KafkaEnds
from streams.transport.kafka_writer import KafkaWriter, transactional_id
from streams.transport.lane import Lane
from streams.transport.lane_reader import LaneReader
from streams.transport.membership import Membership, leave
from streams.transport.options import TransportOptions
from streams.transport.port import PortError, TopicPartition
from streams.transport.thread import ConsumerThread, LaneRebalanceListener, ThreadOffsets, ThreadReader
from streams.transport.watchdog import TICK_S, Watchdog

LEAVE_TIMEOUT_S = 1.0
CHANGELOG_WAIT_S = 0.2


class KafkaMember:
    """``assignment.Member`` over Faust's consumer thread."""

    def __init__(self, thread: ConsumerThread, group: str, options: TransportOptions) -> None:
        self._thread, self._group, self._options = thread, group, options

    async def open_reader(self) -> LaneReader:
        """See ``Member``."""
        return await LaneReader.open(self._options)

    def offsets(self) -> ThreadOffsets:
        """Asks in the thread."""
        return ThreadOffsets(self._thread)

    async def open_writer(self, tp: TopicPartition) -> KafkaWriter:
        """See ``Member``."""
        return await KafkaWriter.open(transactional_id(self._group, tp), self._group, self._options)

    async def open_ends(self, tps: Sequence[TopicPartition]) -> KafkaEnds:
        """See ``Member``."""
        return await KafkaEnds.open(self._options, tps)

    async def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See ``Member``."""
        try:
            await self._thread.run(self._thread.commit_offsets(dict(offsets)))
        except driver.KafkaError as error:
            raise PortError(repr(error)) from error


class LaneConsumer(driver.Consumer):  # type: ignore[misc]
    """Has the lanes, and the thread in which the group's member runs."""

    mundane_level = "debug"
    RebalanceListener = LaneRebalanceListener

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tx = self.app.tx
        self.tx.consumer = self
        member = KafkaMember(self._thread, self.app.conf.id, self.tx.options)
        self.membership: Membership | None = None
        """From the first look on."""
        self.held = Assignment(self.tx.sources, member, self.tx.options, self.tx.counters, self.tx.fatal)

    @property
    def lanes(self) -> dict[TopicPartition, Lane]:
        """Those that run."""
        return self.held.lanes

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
            tps = [tp for tp in self._get_active_partitions() if not self._is_lane(tp)]
            if not tps:
                await self.sleep(0.05)
                continue
            for chunk in await reader.pull(tps, CHANGELOG_WAIT_S):
                if (wanted := self.app.tables.recovery.apply_chunk(chunk)) is not None:
                    await reader.seek(chunk.tp, wanted)
                await asyncio.sleep(0)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Drain first: after this the group may give the partitions to somebody else."""
        await self.held.revoked()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Fence, then let Faust recover the tables; ``perform_seek`` follows."""
        other = {tp.topic for tp in assigned} - self.tx.sources.keys() - self.app.tables.changelog_topics
        if other:
            self.tx.fatal(f"topics {sorted(other)} have agents but no tx.source(): nothing commits their positions")
        await self.held.assigned(self._whole(assigned), generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Called by Faust when the tables are current."""
        await self.held.recovered(self._whole(self.assignment()))

    def _whole(self, assigned: Any) -> list[TopicPartition]:
        """``assigned`` without inputs whose table has its changelog elsewhere: they would begin anew, with no state.

        A leader does that which knows one of both topics only; ``membership.py`` has it learn of the other.
        """
        tables = {name: source.table for name, source in self.tx.sources.items()}
        whole = []
        for topic, partition in assigned:
            table = tables.get(topic)
            if table is None or (table.changelog, partition) in assigned:
                whole.append(TopicPartition(topic, partition))
            else:
                logger.error("%s[%d] was assigned without %s: it does not start", topic, partition, table.changelog)
        return whole

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch(self) -> None:
        watchdog = Watchdog(self)
        while not self.should_stop:
            await self.sleep(TICK_S)
            await watchdog.tick()

    @Service.task  # type: ignore[untyped-decorator]
    async def _look_at_group(self) -> None:
        while not self.should_stop:
            await self.sleep(TICK_S)
            if self.membership is None:
                consumer = self._thread.consumer_or_none
                self.membership = Membership(consumer) if consumer is not None else None
                continue
            try:
                async with asyncio.timeout(self.tx.options.broker_timeout_s):
                    await self._thread.run(self.membership.look())
            except (driver.KafkaError, TimeoutError) as error:
                logger.warning("the group does not tell who has what: %r", error)

    @Service.task  # type: ignore[untyped-decorator]
    async def _flush_stored_offsets(self) -> None:
        while not self.should_stop:
            await self.sleep(self.tx.options.offsets_every_s)
            await self.held.flush_stored()

    async def wait_empty(self) -> None:
        """Part of the app's shutdown: finish running batches, then leave the group before anything slow happens."""
        if not (self.should_stop or self.app.should_stop):
            await self.held.stop_lanes()
            return
        await self.held.drain()
        await self.leave_group(for_good=self.tx.ends_for_good)
        await self.held.close()

    async def leave_group(self, *, for_good: bool) -> None:
        """See ``membership.leave``; not for long."""
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await self._thread.run(leave(self._thread.consumer_or_none, for_good=for_good))
        except Exception as error:  # noqa: BLE001  the session timeout does it then
            logger.warning("could not leave the group, its session will expire: %r", error)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing is acknowledged per message; positions are written by the lanes."""
        return False

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's stall detector looks at acknowledgements; ``watchdog.py`` looks at lanes."""

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """Topics are declared in ``redpanda/topics.yaml``; nothing is created on the way."""
