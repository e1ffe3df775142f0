"""The consumer thread: aiokafka runs in a loop of its own, so that heartbeats go on while an agent computes.

``ThreadReader`` is the port's Reader for code in the main loop; it crosses over with ``run``.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiokafka
from aiokafka import TopicPartition as AioTopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.transport import private
from streams.transport.kafka import KafkaOffsets
from streams.transport.options import TransportOptions
from streams.transport.port import Chunk, TopicPartition

T = TypeVar("T")

PULL_TIMEOUT_S = 30.0
WAKE_UP_S = 0.25
"""A pull looks again at least this often: assignment and stop do not wake its waiter."""


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
            auto_offset_reset="earliest",  # never used to start: lanes seek; a mismatch is found by contiguity
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

    @property
    def consumer_or_none(self) -> aiokafka.AIOKafkaConsumer | None:
        """The consumer once the thread has started."""
        consumer: aiokafka.AIOKafkaConsumer | None = self._consumer
        return consumer

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` in this thread.  (``call_thread`` has only two workers; long polls would block it.)"""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def pull(self, tps: list[TopicPartition], max_records: int | None, timeout: float) -> list[Chunk]:  # noqa: ASYNC109
        """What is fetched for ``tps``, at most one chunk each; waits up to ``timeout`` s.  Runs in this thread."""
        consumer = self._ensure_consumer()
        deadline = time.monotonic() + timeout
        with private.fetch_context(consumer):
            while True:
                chunks = [c for tp in tps if (c := await private.pull(consumer, tp, max_records)) is not None]
                left = deadline - time.monotonic()
                if chunks or left <= 0 or self.should_stop:
                    return chunks
                await asyncio.wait([private.fetch_waiter(consumer)], timeout=min(left, WAKE_UP_S))

    async def commit_offsets(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit to the group, as this generation.  Runs in this thread."""
        await self._ensure_consumer().commit({AioTopicPartition(*tp): offset for tp, offset in offsets.items()})

    def group_offsets(self) -> "ThreadOffsets":
        """``port.Offsets`` for the main loop."""
        return ThreadOffsets(self)


class ThreadReader:
    """``port.Reader`` over the consumer thread."""

    def __init__(self, thread: ConsumerThread) -> None:
        self._thread = thread

    async def fetch(self, tp: TopicPartition, max_records: int) -> Chunk:
        """See ``port.Reader``."""
        while True:
            for chunk in await self._thread.run(self._thread.pull([tp], max_records, PULL_TIMEOUT_S)):
                return chunk

    async def seek(self, tp: TopicPartition, offset: int) -> None:
        """See ``port.Reader``."""
        await self._thread.seek_wait({AioTopicPartition(*tp): offset})

    def stable_end(self, tp: TopicPartition, since: float) -> int | None:
        """See ``port.Reader``."""
        answer = private.last_answer(self._thread.consumer_or_none, tp)
        return answer[1] if answer is not None and answer[0] >= since else None

    def answered_at(self, tp: TopicPartition) -> float | None:
        """See ``port.Reader``."""
        answer = private.last_answer(self._thread.consumer_or_none, tp)
        return answer[0] if answer is not None else None


class ThreadOffsets:
    """``port.Offsets`` over the consumer thread."""

    def __init__(self, thread: ConsumerThread) -> None:
        self._thread = thread

    async def bounds(self, tps: Any) -> Any:
        """See ``port.Offsets``."""
        offsets = KafkaOffsets(self._thread._ensure_consumer())  # noqa: SLF001
        return await self._thread.run(offsets.bounds([AioTopicPartition(*tp) for tp in tps]))

    async def committed(self, tps: Any) -> Any:
        """See ``port.Offsets``."""
        offsets = KafkaOffsets(self._thread._ensure_consumer())  # noqa: SLF001
        return await self._thread.run(offsets.committed([AioTopicPartition(*tp) for tp in tps]))
