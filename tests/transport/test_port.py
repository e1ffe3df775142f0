"""The contract of the port: the simulated broker and Kafka are held to the same."""

import asyncio
import time

import pytest

from streams.transport.port import FencedError, OutcomeUnknownError, RefusedError, TopicPartition
from tests.transport.harness import message, until
from tests.transport.ports import KafkaPort

DEADLINE_S = 20.0


def messages(*values):
    return [message(b"k", value.encode()) for value in values]


async def read(reader, tp, count, max_records=1000):
    """``count`` records of ``tp`` and the chunks that brought them, checking that the chunks are contiguous."""
    values, chunks = [], []
    async with asyncio.timeout(DEADLINE_S):
        while len(values) < count:
            chunk = await reader.fetch(tp, max_records)
            assert not chunks or chunk.start == chunks[-1].end
            assert all(chunk.start <= record.offset < chunk.end for record in chunk.records)
            chunks.append(chunk)
            values += [record.value.decode() for record in chunk.records]
    return values, chunks


async def read_to_end(port, tp):
    """All committed values of ``tp``."""
    (_, end), values, position = (await (await port.offsets()).bounds([tp]))[tp], [], 0
    reader = await port.reader([tp])
    async with asyncio.timeout(DEADLINE_S):
        while position < end:
            chunk = await reader.fetch(tp, 1000)
            values += [record.value.decode() for record in chunk.records]
            position = chunk.end
    return values


async def test_records_come_in_order_with_all_their_parts(port):
    tp = TopicPartition(await port.create_topic(), 0)
    before = time.time()
    await port.append(tp, [message(b"key", b"value", [("ce_type", b"x")]), message(None, b"2"), message(b"k", None)])
    chunk = await (await port.reader([tp])).fetch(tp, 1000)
    first = chunk.records[0]
    assert (first.key, first.value, list(first.headers), first.offset) == (b"key", b"value", [("ce_type", b"x")], 0)
    assert before - 5 < first.timestamp / 1000 < time.time() + 5


async def test_chunks_are_contiguous_and_bounded(port):
    tp = TopicPartition(await port.create_topic(), 0)
    await port.append(tp, messages(*map(str, range(10))))
    values, chunks = await read(await port.reader([tp]), tp, 10, max_records=4)
    assert values == [str(i) for i in range(10)]
    assert chunks[0].start == 0
    assert max(len(chunk.records) for chunk in chunks) <= 4
    assert chunks[-1].end == 10 == chunks[-1].stable_end


async def test_a_transaction_returns_the_ends_of_its_partitions(port):
    topic = await port.create_topic()
    a, b = TopicPartition(topic, 0), TopicPartition(topic, 1)
    writer = await port.writer(topic)
    assert await writer.transact({a: messages("1", "2"), b: messages("3")}, {}) == {a: 2, b: 1}
    assert await writer.transact({a: messages("4")}, {}) == {a: 4}, "the marker of the first takes an offset"


async def test_an_open_transaction_is_invisible_until_its_successor_fences_it(port):
    topic = await port.create_topic()
    a, b = TopicPartition(topic, 0), TopicPartition(topic, 1)
    old = await port.writer(topic)
    await old.transact({a: messages("committed")}, {})
    await port.leave_open(old, {a: messages("lost"), b: messages("lost too")})
    await port.append(a, messages("behind"))
    offsets = await port.offsets()
    assert (await offsets.bounds([a]))[a] == (0, 2), "the stable end stops at the open transaction"
    new = await port.writer(topic)
    assert (await read(await port.reader([a, b]), a, 2))[0] == ["committed", "behind"]
    await new.transact({a: messages("after"), b: messages("after")}, {})
    assert (await read_to_end(port, a), await read_to_end(port, b)) == (["committed", "behind", "after"], ["after"])


async def test_a_fenced_writer_never_commits_again(port):
    topic = await port.create_topic()
    tp = TopicPartition(topic, 0)
    old = await port.writer(topic)
    await old.transact({tp: messages("1")}, {})
    new = await port.writer(topic)
    with pytest.raises(FencedError):
        await old.transact({tp: messages("zombie")}, {tp: 99})
    await new.transact({tp: messages("2")}, {tp: 2})
    await port.writer(topic)
    assert await read_to_end(port, tp) == ["1", "2"]
    assert (await (await port.offsets()).committed([tp]))[tp] == 2


async def test_a_transaction_that_nobody_ends_is_aborted_in_time_and_its_writer_fenced(port):
    topic = await port.create_topic()
    tp = TopicPartition(topic, 0)
    stopped = await port.writer(topic, transaction_timeout_ms=1000)
    await port.leave_open(stopped, {tp: messages("open")})
    await port.append(tp, messages("behind"))
    offsets = await port.offsets()
    assert (await offsets.bounds([tp]))[tp] == (0, 0)
    await port.time_is_up(offsets, tp, 0)
    assert await read_to_end(port, tp) == ["behind"]
    with pytest.raises((FencedError, OutcomeUnknownError)):
        await stopped.transact({tp: messages("zombie")}, {})
    await port.writer(topic)
    assert await read_to_end(port, tp) == ["behind"]


async def test_offsets_are_part_of_the_transaction(port):
    topic = await port.create_topic()
    tp, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    writer = await port.writer(topic)
    offsets = await port.offsets()
    assert await offsets.committed([tp, other]) == {tp: None, other: None}
    await writer.transact({other: messages("x")}, {tp: 7})
    writer = await port.writer(topic)
    assert await offsets.committed([tp, other]) == {tp: 7, other: None}
    await writer.transact({}, {tp: 8})
    await port.writer(topic)
    assert (await offsets.committed([tp]))[tp] == 8, "offsets alone make a transaction too"


@pytest.mark.parametrize("wrong", ["partition", "type"])
async def test_what_cannot_be_written_is_refused_whole(port, wrong):
    topic = await port.create_topic()
    tp = TopicPartition(topic, 0)
    writer = await port.writer(topic)
    bad = (
        {TopicPartition(topic, 99): messages("x")}
        if wrong == "partition"
        else {TopicPartition(topic, 1): [message(b"k", "text")]}
    )
    with pytest.raises(RefusedError):
        await writer.transact({tp: messages("good"), **bad}, {tp: 1})
    await writer.transact({tp: messages("next")}, {})
    assert await read_to_end(port, tp) == ["next"]
    assert (await (await port.offsets()).committed([tp]))[tp] is None


async def test_reading_below_the_first_offset_shows_as_a_gap(port):
    tp = TopicPartition(await port.create_topic(), 0)
    await port.append(tp, messages(*map(str, range(10))))
    await port.delete_records(tp, 6)
    assert (await (await port.offsets()).bounds([tp]))[tp] == (6, 10)
    reader = await port.reader([tp])
    await reader.seek(tp, 2)
    chunk = await reader.fetch(tp, 1000)
    assert (chunk.start, [r.value for r in chunk.records]) == (6, [b"6", b"7", b"8", b"9"])


async def test_seek_moves_the_position(port):
    tp = TopicPartition(await port.create_topic(), 0)
    await port.append(tp, messages(*map(str, range(5))))
    reader = await port.reader([tp])
    await read(reader, tp, 5)
    await reader.seek(tp, 3)
    assert (await reader.fetch(tp, 1000)).start == 3


async def test_a_reader_reads_what_it_began_last_and_nothing_else(port):
    topic = await port.create_topic()
    a, b = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await port.append(a, messages("a0", "a1", "a2"))
    await port.append(b, messages("b0", "b1"))
    reader = await port.reader([a])
    assert (await read(reader, a, 3))[0] == ["a0", "a1", "a2"]
    reader.begin({b: 1})
    assert (await read(reader, b, 1))[0] == ["b1"]
    reader.begin({})
    reader.begin({a: 2, b: 0})
    assert (await read(reader, a, 1))[0] == ["a2"]
    assert (await read(reader, b, 2))[0] == ["b0", "b1"]


async def test_a_fetch_ends_with_what_comes_for_its_partition(port):
    topic = await port.create_topic()
    a, b = TopicPartition(topic, 0), TopicPartition(topic, 1)
    reader = await port.reader([a, b])
    of_a, of_b = [asyncio.ensure_future(reader.fetch(tp, 1000)) for tp in (a, b)]
    for number, (tp, comes, other) in enumerate([(b, of_b, of_a), (a, of_a, None)]):
        await port.append(tp, messages(f"{number}"))
        async with asyncio.timeout(DEADLINE_S):
            assert [record.value for record in (await comes).records] == [b"%d" % number]
        assert other is None or not other.done()


async def test_an_idle_reader_knows_the_stable_end_and_when_it_was_told(port):
    tp = TopicPartition(await port.create_topic(), 0)
    await port.append(tp, messages("1", "2"))
    reader = await port.reader([tp])
    await read(reader, tp, 2)
    asked = time.time()
    waiting = asyncio.ensure_future(reader.fetch(tp, 1000))
    await until(lambda: reader.answered_at(tp) >= asked)
    assert reader.stable_end(tp) == 2
    assert not waiting.done()
    waiting.cancel()


async def test_the_end_is_that_of_the_moment_of_asking(port):
    topic = await port.create_topic()
    tp, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    reader, ends = await port.reader([tp]), await port.ends([tp])
    assert await ends.end(tp) == 0
    await port.append(tp, messages("1", "2"))
    assert await ends.end(tp) == 2
    waiting = asyncio.ensure_future(reader.fetch(tp, 1000))
    await asyncio.wait([waiting], timeout=DEADLINE_S)
    writer = await port.writer(topic)
    await port.leave_open(writer, {tp: messages("open")})
    await port.append(tp, messages("behind"))
    assert await ends.end(tp) == 2, "the end stops at the open transaction"
    await port.writer(topic)
    assert await ends.end(tp) == 5
    assert await ends.end(other) == 0, "a partition that nobody spoke of before"


async def test_a_record_of_almost_a_mebibyte_goes_through(port):
    tp = TopicPartition(await port.create_topic(), 0)
    large = b"x" * 1_047_000
    await (await port.writer(tp.topic)).transact(
        {tp: [message(b"a", b"1"), message(b"k", large), message(b"b", b"2")]}, {}
    )
    values, _ = await read(await port.reader([tp]), tp, 3)
    assert [len(value) for value in values] == [1, len(large), 1]


async def test_a_record_that_the_broker_refuses_ends_the_writer(brokers):
    """Only Kafka has a limit of its own; ``txn.send`` keeps below it."""
    port = KafkaPort(brokers)
    tp = TopicPartition(await port.create_topic(), 0)
    writer = await port.writer(tp.topic)
    with pytest.raises(OutcomeUnknownError):
        await writer.transact({tp: [message(b"k", b"x" * 3_000_000)]}, {tp: 1})
    await port.writer(tp.topic)
    assert await read_to_end(port, tp) == []
    await port.close()
