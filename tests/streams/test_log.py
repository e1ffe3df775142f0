"""Reading spans of the log, on the real broker."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.kafka import client_options
from streams.log import LogError, Span, opened
from streams.settings import Settings
from streams.transport.port import TopicPartition


@pytest.fixture
async def partitions(settings: Settings) -> list[TopicPartition]:
    """Two partitions of a new topic."""
    name = f"{settings.app_id}-log"
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    return [TopicPartition(name, number) for number in range(2)]


def producer(settings: Settings, **options) -> AIOKafkaProducer:
    return AIOKafkaProducer(**client_options(settings), **options)


async def read(log, spans) -> dict[TopicPartition, list[bytes]]:
    found = {tp: [] for tp in spans}
    ends = {tp: span.start for tp, span in spans.items()}
    async for chunk in log.read(spans):
        assert chunk.start == ends[chunk.tp]
        ends[chunk.tp] = chunk.end
        found[chunk.tp] += [record.value for record in chunk.records]
    assert ends == {tp: span.end for tp, span in spans.items()}
    return found


async def test_spans_end_behind_markers_and_leave_out_what_was_aborted(settings, partitions):
    one, two = partitions
    async with producer(settings, transactional_id=settings.app_id) as writer:
        for number in range(3):
            async with writer.transaction():
                await writer.send(one.topic, b"one %d" % number, partition=0)
                await writer.send(two.topic, b"two %d" % number, partition=1)
        await writer.begin_transaction()
        await writer.send_and_wait(one.topic, b"aborted", partition=0)
        await writer.abort_transaction()
    async with opened(settings) as log:
        spans = await log.settled(partitions)
        assert spans == {one: Span(0, 8), two: Span(0, 6)}
        assert await read(log, spans) == {one: [b"one 0", b"one 1", b"one 2"], two: [b"two 0", b"two 1", b"two 2"]}
        assert await read(log, {one: Span(1, 3), two: Span(4, 4)}) == {one: [b"one 1"], two: []}


async def test_a_transaction_that_is_open_is_waited_for(settings, partitions):
    [one, _] = partitions
    async with producer(settings, transactional_id=settings.app_id) as writer, opened(settings) as log:
        await writer.begin_transaction()
        await writer.send_and_wait(one.topic, b"late", partition=0)
        assert (await log.bounds([one]))[one] == Span(0, 0)
        settled = asyncio.create_task(log.settled([one]))
        done, _ = await asyncio.wait([settled], timeout=0.3)
        assert not done
        await writer.commit_transaction()
        assert (await settled)[one] == Span(0, 2)
        assert await read(log, {one: Span(0, 2)}) == {one: [b"late"]}


async def test_a_transaction_that_never_ends_is_named(settings, partitions):
    [one, _] = partitions
    async with producer(settings, transactional_id=settings.app_id) as writer, opened(settings) as log:
        await writer.begin_transaction()
        await writer.send_and_wait(one.topic, b"open", partition=0)
        with pytest.raises(LogError, match=r"log\[0\] to end within 0.1 s, but one is open at offset 0"):
            await log.settled([one], timeout_s=0.1)
        await writer.abort_transaction()


async def test_records_that_are_gone_are_an_error(settings, partitions):
    [one, _] = partitions
    async with producer(settings) as writer:
        for _ in range(3):
            await writer.send_and_wait(one.topic, b"x", partition=0)
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    await admin.delete_records({one: RecordsToDelete(before_offset=2)})
    await admin.close()
    async with opened(settings) as log:
        with pytest.raises(LogError, match="from offset 0 on, but it begins at 2: 2 records are gone"):
            await read(log, {one: Span(0, 3)})
        assert await read(log, {one: Span(2, 3)}) == {one: [b"x"]}
