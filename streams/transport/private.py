"""Every private part of Faust and aiokafka that the transport touches, each with the reason.

Those of the group's coordinator are in ``membership.py``, those of the record parser in ``lenient.py``.

``tests/transport/test_private_apis.py`` fails with the name of what moved when another version is installed; the
versions are pinned in pyproject.toml.  Overridden methods of Faust's classes are in ``OVERRIDDEN``, for the same test.
"""

import asyncio
import time
from collections.abc import Container, Iterable
from typing import Any

import aiokafka
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.producer import sender as aiokafka_sender

from streams.transport.port import Chunk, TopicPartition

OVERRIDDEN: dict[str, tuple[str, ...]] = {
    "faust.transport.drivers.aiokafka.AIOKafkaConsumerThread": (
        "_create_worker_consumer",  # read_committed, fetch wait and credentials come from our options
        "on_thread_stop",  # ends also when the broker is lost
    ),
    "faust.transport.drivers.aiokafka.Consumer": (
        "_new_consumer_thread",  # our thread
        "RebalanceListener",  # has the thread leave to the lanes what they read
        "_drain_messages",  # chunks for tables; lanes read by themselves
        "_get_active_partitions",  # (called) what is neither paused nor buffered
        "on_partitions_revoked",  # drain lanes before anything else
        "on_partitions_assigned",  # fence before recovery reads the end of the changelog
        "perform_seek",  # positions come from where they live, not always from the group
        "resume_partitions",  # Faust must not read what lanes read
        "wait_empty",  # shutdown: drain, then leave the group at once
        "commit",  # nothing is acknowledged per message
        "verify_event_path",  # a stall detector that looks at acknowledgements
        "create_topic",  # topics are declared in redpanda/topics.yaml
    ),
    "faust.tables.recovery.Recovery": (
        "_wait",  # no timeout: mode answers it as "stopped", and the recovery would never run again
        "_slurp_changelogs",  # chunks are applied directly, not through the changelog queue
        "_seek_offsets",  # where a table begins, which a chunk that is on its way must not say
        "_set_recovery_started",  # clears an end that was signalled for an earlier recovery
        "_set_recovery_ended",  # (called)
        "on_rebalance",  # begin where the tables are, and nowhere else
    ),
    "faust.tables.manager.TableManager": ("_recovery",),
}


async def pull(consumer: Any, tp: TopicPartition, max_records: int | None) -> Chunk | None:
    """Take what is already fetched of ``tp``; None when nothing is.  Runs in the consumer's loop.

    Why not ``getmany``: it does not tell where the reader stood before and after, and without that a gap cannot be
    told from a transaction marker.  With timeout 0 nothing between the two samples of the position yields, so they are
    exact.
    """
    subscription = consumer._subscription  # noqa: SLF001
    if subscription.subscription is None or subscription.reassignment_in_progress:
        return None
    assignment = subscription.subscription.assignment
    state = assignment.state_value(tp) if assignment is not None and tp in assignment.tps else None
    if state is None or not state.has_valid_position:
        return None
    start = state.position
    fetched = consumer._fetcher._records.get(tp)  # noqa: SLF001
    if isinstance(fetched, FetchResult) and fetched._partition_records is not None:  # noqa: SLF001
        fetched._partition_records._consumer_record = _as_parsed  # noqa: SLF001
    records = (await consumer._fetcher.fetched_records([tp], 0, max_records)).get(tp, [])  # noqa: SLF001
    if state.position == start:
        return None
    return Chunk(tp, start, records, state.position, state.lso)


def _as_parsed(_: Any, record: Any) -> Any:
    """The record as the parser has made it, which is all of ``streams.records.Record``.

    Copying it into a ``ConsumerRecord`` takes longer than parsing it did: 1.3 of 2 us.
    """
    return record


def fetch_context(consumer: Any) -> Any:
    """Marks a pending read; a member without one leaves the group after max_poll_interval."""
    return consumer._subscription.fetch_context()  # noqa: SLF001


def fetch_waiter(consumer: Any) -> Any:
    """A future that is done when anything new is fetched."""
    return consumer._fetcher._create_fetch_waiter()  # noqa: SLF001


def fetched(consumer: Any) -> Container[TopicPartition]:
    """The partitions of which something is fetched that nobody has taken yet."""
    records: Container[TopicPartition] = consumer._fetcher._records  # noqa: SLF001
    return records


def last_answer(consumer: Any, tp: TopicPartition) -> tuple[float, int] | None:
    """Time (Unix s) and last stable offset of the latest fetch answer for ``tp``.  Callable from any thread.

    The consumer's loop writes the offset before the time, so reading the time first never pairs a new time with an
    old offset.
    """
    subscription = consumer._subscription.subscription if consumer is not None else None  # noqa: SLF001
    assignment = subscription.assignment if subscription is not None else None
    if assignment is None or tp not in assignment.tps:
        return None
    state = assignment.state_value(tp)
    timestamp_ms, stable = state.timestamp, state.lso
    return (timestamp_ms / 1000, stable) if timestamp_ms is not None and stable is not None else None


def set_prefetch_backoff(consumer: Any, seconds: float) -> None:
    """Records not taken yet hold up the fetch of all partitions of their broker, by default for 100 ms."""
    consumer._fetcher._prefetch_backoff = seconds  # noqa: SLF001


async def finish_stop(consumer: Any) -> None:
    """Close the connections, after a ``stop`` of the consumer that ended in a ``CancelledError``.

    That one is its own: of a fetch that waits to be tried again because the broker is lost.  Faust's thread dies of it
    without telling the app, which would wait for the thread for ever.
    """
    await consumer._client.close()  # noqa: SLF001


class _Markers:
    """When a transaction may follow the last one of its producer: while the broker writes that one's markers, it
    refuses, and has to be asked again.  The time that this takes is learnt, so that most transactions ask once.
    """

    SHRINK = 0.9
    """Of the time, for the next transaction, when the first question was answered: the load may have gone."""
    MAX_S = 0.02
    """What took longer was no load, but a broker that stood still for a while: nothing to wait for again."""

    def __init__(self) -> None:
        self._ended_at, self._takes_s = 0.0, 0.0
        self._refused = False

    def ended(self) -> None:
        """The transaction has ended: its markers are being written from now on."""
        self._ended_at = time.monotonic()

    async def wait(self) -> None:
        """Until they are most likely written."""
        left_s = self._ended_at + self._takes_s - time.monotonic()
        if left_s > 0:
            await asyncio.sleep(left_s)

    def learn(self, asked_at: float, *, refused: bool) -> None:
        """What became of the question of ``asked_at`` (monotonic seconds)."""
        if refused:
            self._refused = True
            return
        takes_s = asked_at - self._ended_at if self._refused else self._takes_s * self.SHRINK
        self._takes_s, self._refused = min(takes_s, self.MAX_S), False


def add_partitions(producer: aiokafka.AIOKafkaProducer, tps: Iterable[TopicPartition]) -> None:
    """Have the transaction that has begun take in all ``tps`` by one request.

    Else the first batch that is sent sets off a request for its partition alone, and the others follow by ones of their
    own while that is under way, each followed by a produce request of its own.
    """
    for tp in tps:
        producer._txn_manager.maybe_add_partition_to_txn(aiokafka.TopicPartition(*tp))  # noqa: SLF001


class _AddPartitions(aiokafka_sender.AddPartitionsToTxnHandler):  # type: ignore[misc]
    backoff_s: float = aiokafka_sender.BACKOFF_OVERRIDE
    refused = False
    asked_at = 0.0

    def create_request(self) -> Any:
        self.asked_at = time.monotonic()
        return super().create_request()

    def handle_response(self, response: Any) -> float | None:
        backoff: float | None = super().handle_response(response)
        if backoff == aiokafka_sender.BACKOFF_OVERRIDE:
            self.refused = True
            backoff = self.backoff_s
        return backoff


def set_concurrent_backoff(producer: aiokafka.AIOKafkaProducer, seconds: float) -> None:
    """Ask again after ``seconds``, not 20 ms, while the markers of the previous transaction are being written.

    The 20 ms are a constant of aiokafka's sender; back-to-back transactions take 24 ms with it and 5 without.
    """
    sender = producer._sender  # noqa: SLF001
    handler = type("_AddPartitions", (_AddPartitions,), {"backoff_s": seconds})
    markers, commit = _Markers(), sender._do_txn_commit  # noqa: SLF001

    async def add_partitions(tps: Any) -> Any:
        node = await sender._find_coordinator(  # noqa: SLF001
            aiokafka_sender.CoordinationType.TRANSACTION,
            sender._txn_manager.transactional_id,  # noqa: SLF001
        )
        await markers.wait()
        asking = handler(sender, tps)
        answer = await asking.do(node)
        markers.learn(asking.asked_at, refused=asking.refused)
        return answer

    async def end(result: Any) -> Any:
        answer = await commit(result)
        markers.ended()
        return answer

    sender._do_add_partitions_to_txn = add_partitions  # noqa: SLF001
    sender._do_txn_commit = end  # noqa: SLF001
