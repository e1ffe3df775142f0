"""What any sender may write: compressed records, headers without a value, header names that are no text."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchBuilderPy

from streams.transport.lenient import KeptRecords, LenientPartitionRecords
from streams.transport.port import TopicPartition
from tests.transport.harness import message
from tests.transport.ports import KafkaPort

DEADLINE_S = 30.0
TP = TopicPartition("in", 0)


class NoText(str):
    """A header's name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\x00"


def batch(first, *names, builder=_DefaultRecordBatchBuilderPy, **attributes):
    """A record batch as it is on the wire, with a record for each header name."""
    made = builder(
        magic=2, compression_type=0, is_transactional=attributes.get("producer", -1) >= 0, batch_size=1 << 20,
        producer_id=attributes.get("producer", -1), producer_epoch=0, base_sequence=-1,
    )  # fmt: skip
    for offset, name in enumerate(names):
        assert made.append(offset, 0, b"k", b"%d" % (first + offset), [(name, b"v")]) is not None
    return first.to_bytes(8) + bytes(made.build())[8:]


def read(*batches, aborted=()):
    records = LenientPartitionRecords(TP, KeptRecords(b"".join(batches)), aborted, 0, None, None, True, 1)
    return [(r.offset, r.value, [name for name, _ in r.headers]) for r in records], records.next_fetch_offset


def test_records_around_one_whose_header_has_no_text_for_a_name_are_all_read():
    found, end = read(batch(0, "a", "b"), batch(2, "c", NoText(), "d"), batch(5, NoText()), batch(6, "e")[:-3])
    assert [(offset, names) for offset, _, names in found] == [
        (0, ["a"]), (1, ["b"]), (2, ["c"]), (3, ["\\xff\x00"]), (4, ["d"]), (5, ["\\xff\x00"]),
    ]  # fmt: skip
    assert [value for _, value, _ in found] == [b"%d" % i for i in range(6)]
    assert end == 6, "what is cut off comes with the next fetch"


def test_what_is_aborted_stays_so_behind_such_a_record():
    parts = [batch(0, NoText(), producer=7), batch(1, "a", producer=8), batch(2, NoText(), producer=8), batch(3, "b")]
    found, _ = read(*parts, aborted=[(8, 1)])
    assert [offset for offset, _, _ in found] == [0, 3]


def test_the_usual_records_are_read_by_the_usual_parser():
    found, _ = read(batch(0, "a", builder=DefaultRecordBatchBuilder))
    assert found == [(0, b"0", ["a"])]
    assert (fetcher.MemoryRecords, fetcher.PartitionRecords) == (KeptRecords, LenientPartitionRecords)
    with pytest.raises(UnicodeDecodeError):  # else lenient.py may go
        list(KeptRecords(batch(0, NoText())).next_batch())


@pytest.fixture
async def port(brokers):
    port = KafkaPort(brokers)
    yield port
    await port.close()


async def all_of(port, tp, count):
    reader, records = await port.reader([tp]), []
    async with asyncio.timeout(DEADLINE_S):
        while len(records) < count:
            records += (await reader.fetch(tp, 1000)).records
    return records


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_of_every_codec_are_read(port, codec):
    tp = TopicPartition(await port.create_topic(), 0)
    values = [b"%d" % i * 200 for i in range(50)]
    async with AIOKafkaProducer(**port.client, compression_type=codec, linger_ms=50) as producer:
        await asyncio.gather(*[await producer.send(tp.topic, value, b"k", tp.partition) for value in values])
    assert [record.value for record in await all_of(port, tp, 50)] == values


async def test_headers_without_value_or_text_are_read_and_written_again(port, monkeypatch):
    tp = TopicPartition(await port.create_topic(), 0)
    monkeypatch.setattr(message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    writer = await port.writer(tp.topic)
    await writer.transact({tp: [message(b"k", b"1", [(NoText(), b"v")]), message(b"k", b"2", [("none", None)])]}, {})
    monkeypatch.undo()
    found = [(record.value, list(record.headers)) for record in await all_of(port, tp, 2)]
    assert found == [(b"1", [("\\xff\x00", b"v")]), (b"2", [("none", None)])]
    await writer.transact({tp: [message(b"k", value, headers) for value, headers in found]}, {})
    again = [SimpleNamespace(value=r.value, headers=list(r.headers)) for r in (await all_of(port, tp, 4))[2:]]
    assert [(record.value, record.headers) for record in again] == found
