"""Every private part of Faust and aiokafka that the transport touches is still where it was.

When one of these fails after an update: read ``streams/transport/private.py`` for what the part is needed for, and look
in the new version for its successor.
"""

import asyncio
import importlib
import importlib.metadata
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock

import aiokafka
import pytest
from aiokafka.errors import NodeNotReadyError
from aiokafka.producer import sender
from aiokafka.producer.transaction_manager import TransactionManager
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import ConsumerThread, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver

from streams.transport import consumer, membership, private, recovery, thread
from streams.transport.kafka_writer import KafkaWriter
from streams.transport.options import TransportOptions
from streams.transport.port import TopicPartition
from tests.transport.harness import create_topics, produce, until_async


def test_the_installed_versions_are_the_pinned_ones():
    pinned = dict(re.findall(r'"(aiokafka|faust-streaming)==([\d.]+)"', Path("pyproject.toml").read_text()))
    assert pinned.keys() == {"aiokafka", "faust-streaming"}
    assert pinned == {name: importlib.metadata.version(name) for name in pinned}


OURS = {
    "faust.transport.drivers.aiokafka.AIOKafkaConsumerThread": thread.ConsumerThread,
    "faust.transport.drivers.aiokafka.Consumer": consumer.LaneConsumer,
    "faust.tables.recovery.Recovery": recovery.ChunkRecovery,
    "faust.tables.manager.TableManager": recovery.ChunkTableManager,
}


@pytest.mark.parametrize("path", private.OVERRIDDEN)
def test_overridden_methods_exist_with_the_same_parameters(path):
    module, name = path.rsplit(".", 1)
    theirs, ours = getattr(importlib.import_module(module), name), OURS[path]
    for method in private.OVERRIDDEN[path]:
        if method == "_recovery":
            continue  # an attribute, below
        assert hasattr(theirs, method), f"{path}.{method} is gone"
        if method not in vars(ours):
            continue  # called, not overridden
        had, has = inspect.signature(_plain(getattr(theirs, method))), inspect.signature(_plain(vars(ours)[method]))
        takes_any = any(p.kind is p.VAR_KEYWORD for p in has.parameters.values())
        missing = had.parameters.keys() - has.parameters.keys()
        assert takes_any or not missing, f"{path}.{method} takes {missing} now"


def _plain(method):
    """The function behind a ``Service.task``."""
    return getattr(method, "fun", method)


@pytest.mark.parametrize("ours", OURS.values())
def test_every_override_is_listed(ours):
    path = next(path for path, cls in OURS.items() if cls is ours)
    module, name = path.rsplit(".", 1)
    theirs = getattr(importlib.import_module(module), name)
    public_hooks = {"on_start", "recovery", "__init__", "__module__", "__doc__", "logger", "log", "mundane_level"}
    overridden = {n for n in vars(ours) if hasattr(theirs, n) and not n.startswith("__")} - public_hooks
    overridden -= {n for n in overridden if n.startswith("_abc") or n in ("abstract", "_tasks")}
    unlisted = overridden - set(private.OVERRIDDEN[path])
    assert not unlisted, f"{ours.__name__} overrides {unlisted}: list them in private.OVERRIDDEN with the reason"


def test_the_extension_points_of_faust():
    assert {"Consumer", "Producer"} <= {name for cls in driver.Transport.__mro__ for name in vars(cls)}
    assert "_assignor" in inspect.getsource(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert "RebalanceListener" in inspect.getsource(driver.AIOKafkaConsumerThread)
    assert "_ensure_consumer" in vars(driver.AIOKafkaConsumerThread)
    assert "thread_loop" in inspect.getsource(ConsumerThread)
    assert "_thread" in inspect.getsource(ThreadDelegateConsumer)


def test_recovery_still_plans_with_what_we_set():
    source = inspect.getsource(Recovery)
    for name in (
        "active_tps",
        "active_offsets",
        "active_highwaters",
        "tp_to_table",
        "signal_recovery_end",
        "in_recovery",
    ):
        assert f"self.{name}" in source, f"Recovery.{name} is gone"
    assert "persisted_offset" in inspect.getsource(Recovery._add)
    assert "perform_seek" in inspect.getsource(Recovery.on_recovery_completed)
    assert "perform_seek" in inspect.getsource(Recovery._resume_streams), "apps without tables start through here"
    assert "_recovery" in inspect.getsource(TableManager.recovery.fget)


async def test_a_pull_is_exact_and_needs_what_it_touches(brokers, app):
    """``pull``, ``fetch_context``, ``fetch_waiter``, ``last_answer``, ``set_prefetch_backoff`` on a real consumer."""
    await create_topics(brokers, app, partitions=1)
    await produce(brokers, app, [(b"k", b"%d" % i, None) for i in range(5)])
    tp = aiokafka.TopicPartition(app, 0)
    reader = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=brokers, isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=50
    )
    await reader.start()
    try:
        private.set_prefetch_backoff(reader, 0.02)
        assert reader._fetcher._prefetch_backoff == 0.02
        assert "prefetch_backoff" in inspect.signature(type(reader._fetcher).__init__).parameters
        assert await private.pull(reader, tp, 10) is None, "nothing is assigned"
        reader.assign([tp])
        reader.seek(tp, 1)
        chunks = []
        with private.fetch_context(reader):
            while not chunks:
                waiter = private.fetch_waiter(reader)
                await asyncio.wait([waiter], timeout=5)
                if (chunk := await private.pull(reader, tp, 2)) is not None:
                    chunks.append(chunk)
        assert (chunks[0].start, chunks[0].end, len(chunks[0].records), chunks[0].stable_end) == (1, 3, 2, 5)
        first = chunks[0].records[0]
        assert not isinstance(first, aiokafka.ConsumerRecord), "a record is copied again"
        assert (first.key, first.value, first.offset, list(first.headers)) == (b"k", b"1", 1, [])
        at, stable = private.last_answer(reader, tp)
        assert (at > 1e9, stable) == (True, 5)
        waiter = private.fetch_waiter(reader)
        waiter.cancel()
        await asyncio.sleep(0)
        assert waiter not in reader._fetcher._fetch_waiters, "a cancelled waiter is forgotten"
    finally:
        await reader.stop()


async def test_a_partition_that_is_read_at_once_is_in_the_next_fetch(brokers, app):
    """Without a backoff the next fetch goes without it, and what comes meanwhile waits until the broker lets go."""
    await create_topics(brokers, app, partitions=2)
    reader = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=brokers, enable_auto_commit=False, fetch_max_wait_ms=40_000, auto_offset_reset="earliest"
    )
    await reader.start()
    try:
        private.set_prefetch_backoff(reader, TransportOptions(client={}).prefetch_backoff_s)
        reader.assign([aiokafka.TopicPartition(app, number) for number in range(2)])
        async with asyncio.timeout(30):
            for number in range(5):
                read = asyncio.create_task(reader.getone())
                await produce(brokers, app, [(b"k", b"%d" % number, 0)])
                assert (await read).value == b"%d" % number
    finally:
        await reader.stop()


async def test_a_consumer_that_lost_its_broker_stops(brokers, app):
    """When its ``stop`` raises nothing any more, ``finish_stop`` and its caller may go."""
    await create_topics(brokers, app, partitions=1)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, retry_backoff_ms=60_000)
    await consumer.start()
    consumer.assign([aiokafka.TopicPartition(app, 0)])
    consumer.seek(aiokafka.TopicPartition(app, 0), 0)
    asked = asyncio.Event()

    async def lost(*_, **__):
        asked.set()
        raise NodeNotReadyError

    consumer._client.send = lost
    await asyncio.wait_for(asked.wait(), 30)
    with pytest.raises(asyncio.CancelledError):
        await consumer.stop()
    await private.finish_stop(consumer)
    assert not any(connection.connected() for connection in consumer._client._conns.values())


async def test_a_thread_whose_consumer_lost_its_broker_ends(monkeypatch):
    """Else the app would wait for it until it is killed."""
    consumer = SimpleNamespace(_client=SimpleNamespace(close=AsyncMock()))
    stop = AsyncMock(side_effect=asyncio.CancelledError)
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_thread_stop", stop)
    ours = object.__new__(thread.ConsumerThread)
    ours._consumer = consumer
    await ours.on_thread_stop()
    stop.assert_awaited_once()
    consumer._client.close.assert_awaited_once()


async def test_the_wait_after_concurrent_transactions_is_ours(brokers, app):
    """The constant of aiokafka is 20 ms; ten transactions back to back would take 200 ms longer."""
    assert sender.BACKOFF_OVERRIDE == 0.02
    assert hasattr(TransactionManager, "txn_partitions")
    await create_topics(brokers, app, partitions=1)
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=app)
    private.set_concurrent_backoff(producer, 0.001)
    await producer.start()
    handlers = []
    handler = private._AddPartitions(producer._sender, set())
    assert handler.backoff_s == 0.02
    original = producer._sender._do_add_partitions_to_txn

    async def counted(tps):
        handlers.append(tps)
        return await original(tps)

    producer._sender._do_add_partitions_to_txn = counted
    try:
        for _ in range(3):
            async with producer.transaction():
                await producer.send(app, b"x", partition=0)
    finally:
        await producer.stop()
    assert len(handlers) >= 3, "the sender does not ask the replaced method any more"


async def test_how_long_markers_take_is_learnt(brokers, app):
    await create_topics(brokers, app, partitions=1)
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=app)
    private.set_concurrent_backoff(producer, 0.001)
    await producer.start()
    asked = []
    ask = private._AddPartitions.create_request
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private._AddPartitions, "create_request", lambda handler: asked.append(handler) or ask(handler))
        try:
            for _ in range(20):
                async with producer.transaction():
                    await producer.send(app, b"x", partition=0)
        finally:
            await producer.stop()
    assert len(set(asked)) >= 20, "the sender does not make its requests with our handler any more"


def test_a_refusal_makes_the_next_transaction_wait_and_answers_shorten_that():
    markers = private._Markers()
    markers.ended()
    ended = markers._ended_at
    markers.learn(ended + 0.004, refused=True)
    assert markers._takes_s == 0, "how long it takes is known when a question is answered"
    markers.learn(ended + 0.01, refused=False)
    assert markers._takes_s == pytest.approx(0.01)
    markers.learn(ended + 0.01, refused=False)
    assert markers._takes_s == pytest.approx(0.009)


def test_a_broker_that_stood_still_once_is_not_waited_for_again():
    markers = private._Markers()
    markers.ended()
    markers.learn(markers._ended_at + 8.0, refused=True)
    markers.learn(markers._ended_at + 8.5, refused=False)
    assert markers._takes_s == markers.MAX_S


async def test_all_partitions_of_a_transaction_are_added_by_one_request(brokers, app):
    await create_topics(brokers, app, partitions=3)
    writer = await KafkaWriter.open(app, app, TransportOptions(client={"bootstrap_servers": brokers}))
    asked, produced = [], []
    sender_ = writer._producer._sender
    add, produce_ = sender_._do_add_partitions_to_txn, sender_._send_produce_req

    async def counted_add(tps):
        asked.append(set(tps))
        return await add(tps)

    async def counted_produce(node, batches):
        produced.append(set(batches))
        return await produce_(node, batches)

    tps = [TopicPartition(app, number) for number in range(3)]
    try:
        await writer.transact({tp: [(b"k", b"v", ())] for tp in tps}, {})  # a topic that is just made may refuse once
        sender_._do_add_partitions_to_txn, sender_._send_produce_req = counted_add, counted_produce
        await writer.transact({tp: [(b"k", b"v", ())] for tp in tps}, {})
    finally:
        await writer.close()
    assert set(map(frozenset, asked)) == {frozenset(tps)}, "more than once only when the last markers are still written"
    assert produced == [set(tps)]


async def test_leaving_the_group_takes_effect_at_once(brokers, app):
    await create_topics(brokers, app, partitions=1)
    member = aiokafka.AIOKafkaConsumer(app, bootstrap_servers=brokers, group_id=app, session_timeout_ms=30_000)
    await member.start()

    async def joined():
        return bool(member.assignment())

    await until_async(joined)
    await membership.leave(member, for_good=False)
    other = aiokafka.AIOKafkaConsumer(app, bootstrap_servers=brokers, group_id=app, session_timeout_ms=30_000)
    await other.start()

    async def taken_over():
        return bool(other.assignment())

    await until_async(taken_over, 5)
    await member.stop()
    await other.stop()
    await membership.leave(None, for_good=True)


def test_the_consumer_takes_our_options_by_constructor():
    parameters = inspect.signature(aiokafka.AIOKafkaConsumer.__init__).parameters
    assert {"group_instance_id", "isolation_level", "fetch_max_wait_ms", "rebalance_timeout_ms"} <= parameters.keys()
