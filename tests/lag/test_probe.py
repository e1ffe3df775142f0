"""What is behind a position: real records only, and how old the first of them is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from streams.kafka import client_options
from streams.lag import NONE, Lag, LagProbe, opened, total
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition

Site = tuple[Settings, Topics]


@asynccontextmanager
async def writing(settings: Settings, transactional_id: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(transactional_id=transactional_id, acks="all", **client_options(settings))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, tp: TopicPartition, number: int, *, abort: bool = False) -> None:
    await producer.begin_transaction()
    for _ in range(number):
        await producer.send_and_wait(tp.topic, b"x", partition=tp.partition)
    await (producer.abort_transaction() if abort else producer.commit_transaction())


async def ends_at(probe: LagProbe, tp: TopicPartition, offset: int) -> None:
    """Kafka confirms the end of a transaction before it has written the marker."""
    async with asyncio.timeout(60):
        while (await probe._consumer.end_offsets([tp]))[tp] < offset:  # noqa: ASYNC110  the broker tells nobody
            await asyncio.sleep(0.01)


async def look(probe: LagProbe, tp: TopicPartition, position: int | None) -> Lag:
    return (await probe.look({tp: position}))[tp]


async def test_markers_and_aborted_records_are_nobodys_lag(site: Site, transactional_id: str) -> None:
    settings, topics = site
    tp = TopicPartition(topics.commands.name, 0)
    async with opened(settings) as probe, writing(settings, transactional_id) as producer:
        assert await look(probe, tp, None) == NONE
        await write(producer, tp, 2)  # offsets 0, 1, and the marker 2
        await write(producer, tp, 3, abort=True)  # 3, 4, 5, and the marker 6
        await ends_at(probe, tp, 7)
        assert (await look(probe, tp, 2)) == NONE, "a marker and what was aborted"
        assert (await look(probe, tp, 7)) == NONE, "the end"
        assert (await look(probe, tp, 1)).records == 6, "from the oldest record to the end"
        assert (await look(probe, tp, None)).records == 7, "never processed: from the beginning"
        await write(producer, tp, 1)
        await ends_at(probe, tp, 9)
        assert (await look(probe, tp, 2)).records == 2, "counted from the first real record, with its marker"


async def test_the_age_is_that_of_the_oldest_record(site: Site) -> None:
    settings, topics = site
    (topic,) = topics.telemetry
    tps = [TopicPartition(topic, number) for number in range(3)]
    hour_ago, minute_ago = (round((time.time() - seconds) * 1000) for seconds in (3600, 60))
    producer = AIOKafkaProducer(acks="all", **client_options(settings))
    await producer.start()
    for tp, timestamp in ((tps[0], hour_ago), (tps[0], minute_ago), (tps[1], minute_ago)):
        await producer.send_and_wait(tp.topic, b"x", partition=tp.partition, timestamp_ms=timestamp)
    await producer.stop()
    async with opened(settings) as probe:
        found = await probe.look(dict.fromkeys(tps, 0))
        assert found[tps[0]].seconds is not None
        assert found[tps[1]].seconds is not None
        assert 3600 <= found[tps[0]].seconds < 3600 + 300
        assert 60 <= found[tps[1]].seconds < 60 + 300
        assert found[tps[2]] == NONE
        assert total(found.values()) == Lag(3, found[tps[0]].seconds)
        half = await probe.look({tps[0]: 1, tps[1]: 1})
        assert half[tps[0]].records == 1
        assert half[tps[1]] == NONE
        assert await probe.look({}) == {}


def test_an_age_that_nobody_knows_is_not_called_zero() -> None:
    assert total([Lag(3, None), NONE]) == Lag(3, None)
    assert total([Lag(3, None), Lag(1, 2.0)]) == Lag(4, 2.0)
    assert total([NONE, NONE]) == NONE
    assert total([]) == NONE
