"""The consumer thread: the group's member runs in a loop of its own, so that heartbeats go on while an agent computes.

Changelogs are read through it, by Faust's recovery; lanes have a reader of their own (``lane_reader.py``).
``ThreadReader`` and ``ThreadOffsets`` are for code in the main loop; they cross over with ``run``.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import aiokafka
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, ConsumerRebalanceListener

from streams.transport import private
from streams.transport.kafka_reader import KafkaOffsets, KafkaReader
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk, TopicPartition

T = TypeVar("T")


class LaneRebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Has the thread leave to the lanes what they read."""

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Before anything of ``assigned`` is fetched."""
        self._thread.leave_to_lanes(assigned)
        await super().on_partitions_assigned(assigned)


class ConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's thread with our consumer in it."""

    mundane_level = "debug"

    @property
    def options(self) -> TransportOptions:
        """Of the installed transport."""
        options: TransportOptions = self.app.tx.options
        return options

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:  # noqa: ARG002
        """Built from our client options, so that credentials are the same for every client."""
        conf, options = self.app.conf, self.options
        has_tables = bool(self.app.tables.changelog_topics)
        self._assignor = self.app.assignor if has_tables else RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            **options.client,
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=options.fetch_wait_ms,
            max_partition_fetch_bytes=options.max_partition_fetch_bytes,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            check_crcs=conf.broker_check_crcs,
        )

    async def on_start(self) -> None:
        """Start the consumer, then set what its constructor does not take."""
        await super().on_start()
        private.set_prefetch_backoff(self._consumer, self.options.prefetch_backoff_s)

    async def on_thread_stop(self) -> None:
        """Stop the consumer."""
        task = asyncio.current_task()
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            if self._consumer is None or (task is not None and task.cancelling()):
                raise
            await private.finish_stop(self._consumer)

    @property
    def consumer_or_none(self) -> aiokafka.AIOKafkaConsumer | None:
        """The consumer once the thread has started."""
        consumer: aiokafka.AIOKafkaConsumer | None = self._consumer
        return consumer

    def leave_to_lanes(self, tps: Iterable[Any]) -> None:
        """Fetch nothing of the partitions among ``tps`` that lanes read.  Runs in this thread."""
        self._ensure_consumer().pause(*[AioTopicPartition(*tp) for tp in tps if tp.topic in self.app.tx.sources])

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` in this thread.  (``call_thread`` has only two workers; long polls would block it.)"""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    def reader(self) -> KafkaReader:
        """Reads in this thread; see ``ThreadReader`` for the main loop's side."""
        return KafkaReader(self._ensure_consumer(), lambda: self.should_stop)

    async def commit_offsets(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit to the group, as this generation.  Runs in this thread."""
        await self._ensure_consumer().commit({AioTopicPartition(*tp): offset for tp, offset in offsets.items()})


class ThreadReader:
    """``KafkaReader`` in the main loop, over the consumer thread."""

    def __init__(self, thread: ConsumerThread) -> None:
        self._thread, self._reader = thread, thread.reader()

    async def pull(self, tps: list[TopicPartition], timeout: float) -> list[Chunk]:  # noqa: ASYNC109
        """All that is fetched of ``tps``, one chunk each; waits up to ``timeout`` s for any."""
        return await self._thread.run(self._reader.pull(tps, None, timeout))

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on from ``offset``."""
        await self._thread.run(self._reader.seek(tp, offset))


class ThreadOffsets:
    """``port.Offsets`` in the main loop, over the consumer thread."""

    def __init__(self, thread: ConsumerThread) -> None:
        self._thread, self._offsets = thread, KafkaOffsets(thread.consumer_or_none)

    async def bounds(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """See ``port.Offsets``."""
        return await self._thread.run(self._offsets.bounds(tps))

    async def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """See ``port.Offsets``."""
        return await self._thread.run(self._offsets.committed(tps))
