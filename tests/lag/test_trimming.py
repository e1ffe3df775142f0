"""Commands that were processed long ago are deleted, and nothing else."""

import uuid
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.agents import processor
from streams.codec import decode_event
from streams.core.commands import Signal
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from streams.trimming import Trimmer
from tests.roles import reading, running
from weir.client import CommandClient

KEEP_S = 3600.0
NUMBER = 30


async def first_offset(settings: Settings, topics: Topics, partition: int) -> int:
    consumer = AIOKafkaConsumer(**client_options(settings))
    await consumer.start()
    tp = TopicPartition(topics.commands.name, partition)
    try:
        return (await consumer.beginning_offsets([tp]))[tp]
    finally:
        await consumer.stop()


async def test_what_was_processed_longer_ago_than_the_keep_time_goes(
    site: tuple[Settings, Topics], tmp_path: Path
) -> None:
    settings, topics = site[0].model_copy(update={"commands_keep_s": KEEP_S}), site[1]
    key = f"key-{uuid.uuid4().hex[:8]}"
    async with running(processor.__name__, settings, tmp_path) as role, CommandClient(settings) as client:
        places = [await client.send(Signal(name="go", key=key, payload={"n": n})) for n in range(NUMBER)]
        async with reading(settings, topics.events.name, topics.partitions) as log:
            records = await log.count(NUMBER)
        (partition,) = {partition for partition, _ in places}
        assert [decode_event(record.value).cause for record in records] == [f"{partition}:{n}" for n in range(NUMBER)]

        def trimmer(age_of: int, position: int, at_least: int = 1) -> Trimmer:
            """Of a moment at which the event of command ``age_of`` is exactly as old as commands are kept."""
            moment = records[age_of].timestamp / 1000 + KEEP_S
            return Trimmer(settings, topics, lambda: {partition: position}, at_least=at_least, wall=lambda: moment)

        oldest_of_its_time = next(n for n in range(NUMBER) if records[n].timestamp == records[20].timestamp)
        await trimmer(20, NUMBER, at_least=NUMBER).look()
        assert await first_offset(settings, topics, partition) == 0, "too few to be worth it"
        await Trimmer(settings, topics, lambda: {partition: NUMBER}, at_least=1).look()
        assert await first_offset(settings, topics, partition) == 0, "all are young"
        await trimmer(NUMBER - 1, 5).look()
        assert await first_offset(settings, topics, partition) == min(5, oldest_of_its_time), "the table's position"
        last = trimmer(20, NUMBER)
        await last.look()
        assert await first_offset(settings, topics, partition) == oldest_of_its_time
        assert last.trimmed == oldest_of_its_time - min(5, oldest_of_its_time)
        future = Trimmer(settings, topics, lambda: {partition: NUMBER}, at_least=1, wall=lambda: 4e9)
        await future.look()
        assert future.trimmed == 0, "nothing was processed lately that tells where that began"
        await Trimmer(settings, topics, dict, at_least=1).look()

        place = await client.send(Signal(name="go", key=key, payload={"n": NUMBER}))
        assert place == (partition, NUMBER)
        async with reading(settings, topics.events.name, topics.partitions) as log:
            await log.count(NUMBER + 1)
        await role.stop()
    async with running(processor.__name__, settings, tmp_path) as again, CommandClient(settings) as client:
        await client.send(Signal(name="go", key=key, payload={"n": NUMBER + 1}))
        async with reading(settings, topics.events.name, topics.partitions) as log:
            await log.count(NUMBER + 2)
        await again.stop()
