"""The router as a process on the real Kafka: telemetry in, commands out, whatever happens to it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_command
from streams.core.commands import Observe, StartProcess
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from tests.roles import reading, running
from tests.site import make_site, telemetry_topic

MODULE = "streams.agents.router"
STARTED = "started test-"
PARTITIONS = 4
ALARM = """
id: {id}
version: {version}
trigger: {{type: redpanda, topic: {topic}, condition: fields.t > 90, mode: parallel}}
variables: [{{name: n, source: fields.n, live: {live}}}]
activities: [{{id: start, type: start}}, {{id: end, type: end}}]
"""


class Plant:
    """Sends readings, and deploys as the processor does."""

    def __init__(self, settings: Settings, topics: Topics, producer: AIOKafkaProducer) -> None:
        self.settings, self.topics, self.producer = settings, topics, producer
        self.topic = telemetry_topic(settings)

    async def deploy(self, name: str, version: int = 1, *, live: bool = False) -> None:
        text = ALARM.format(id=name, version=version, topic=self.topic, live=str(live).lower())
        definition = parse_definition(text)
        record = {
            "v": 1,
            "id": name,
            "version": version,
            "hash": definition.hash,
            "name": definition.name,
            "definition": definition.model_dump(mode="json"),
            "deployed_at": "2026-01-01T00:00:00.000Z",
        }
        await self.producer.send_and_wait(
            self.topics.definitions.name, msgspec.json.encode(record), f"{name}:{version}".encode()
        )

    async def send(self, value: bytes | None, partition: int = 0, key: bytes = b"k") -> None:
        await self.producer.send(self.topic, value, key, partition)

    async def read(self, device: str, n: int, t: float = 95) -> None:
        value = msgspec.json.encode({"tags": {"device_id": device}, "fields": {"t": t, "n": n}, "timestamp": n})
        await self.send(value, partition_for(device, PARTITIONS), device.encode())


@pytest.fixture
async def plant(settings: Settings, tmp_path: Path) -> AsyncIterator[Plant]:
    own, topics = await make_site(settings.model_copy(update={"session_timeout_s": 6.0}), tmp_path)
    async with AIOKafkaProducer(**client_options(own), linger_ms=5) as producer:
        yield Plant(own, topics, producer)


def starts(records: Sequence[ConsumerRecord]) -> list[StartProcess]:
    found = [decode_command(record.value) for record in records]
    return [one for one in found if isinstance(one, StartProcess)]


def numbers(records: Sequence[ConsumerRecord]) -> Counter[Any]:
    return Counter(one.variables["n"] for one in starts(records))


async def test_readings_start_processes_and_feed_live_variables(plant: Plant, tmp_path: Path) -> None:
    topics = plant.topics
    async with (
        running(MODULE, plant.settings, tmp_path) as router,
        reading(plant.settings, topics.commands.name, PARTITIONS) as commands,
        reading(plant.settings, topics.dead_letters.name, 1) as dead_letters,
    ):
        await plant.deploy("alarm", live=True)
        await router.said("definition known")
        await plant.read("pump-1", 1, t=20)
        await plant.read("pump-1", 2, t=95)
        await plant.send(b"no reading")
        await plant.read("pump-2", 3, t=95)
        records = await commands.until(
            lambda records: {2, 3} <= numbers(records).keys() and _observed(records) >= {("pump-1", 2), ("pump-2", 3)}
        )
        assert numbers(records) == Counter([2, 3])
        for record in records:
            command = decode_command(record.value)
            assert isinstance(command, StartProcess | Observe)
            assert command.key is not None
            assert record.key == command.key.encode()
            assert record.partition == partition_for(command.key, PARTITIONS)
        of_two = [decode_command(record.value) for record in records if record.key == b"pump-2"]
        assert [type(command) for command in of_two] == [StartProcess, Observe]
        first = starts(records)[0]
        assert (first.definition_id, first.definition_version, first.trigger["type"]) == ("alarm", 1, "redpanda")
        [letter] = await dead_letters.count(1)
        assert letter.value == b"no reading"
        assert dict(letter.headers)["weir_role"] == b"router"
        assert await router.stop() < 10


def _observed(records: Sequence[ConsumerRecord]) -> set[tuple[str, int]]:
    found = [decode_command(record.value) for record in records]
    return {(one.key, one.reading["fields"]["n"]) for one in found if isinstance(one, Observe)}


async def test_a_definition_deployed_while_running_counts_soon(plant: Plant, tmp_path: Path) -> None:
    async with (
        running(MODULE, plant.settings, tmp_path) as router,
        reading(plant.settings, plant.topics.commands.name, PARTITIONS) as commands,
    ):
        await router.said(STARTED)
        await plant.deploy("alarm", 1)
        began = time.monotonic()
        async with asyncio.timeout(30):
            while not commands.records:
                await plant.read("pump-1", round((time.monotonic() - began) * 1000))
                await commands.look()
        assert starts(commands.records)[0].variables["n"] < 5000  # a second is usual; others may use the machine
        await plant.deploy("alarm", 2)
        await router.said("definition known", times=2)
        before = len(commands.records)
        await plant.read("pump-1", 99)
        await commands.until(lambda records: 99 in numbers(records[before:]))
        assert starts(commands.records)[-1].definition_version == 2


async def test_a_killed_router_starts_nothing_twice_and_forgets_nothing(plant: Plant, tmp_path: Path) -> None:
    count = 6000
    await plant.deploy("alarm")

    async def send_all() -> None:
        for n in range(count):
            await plant.read(f"pump-{n % 20}", n)
            if n % 500 == 0:
                await plant.producer.flush()
        await plant.producer.flush()

    async with reading(plant.settings, plant.topics.commands.name, PARTITIONS) as commands:
        sending = asyncio.create_task(send_all())
        for share in (0.1, 0.4):
            async with running(MODULE, plant.settings, tmp_path) as router:
                await commands.count(round(count * share))
                await router.kill()
        await sending
        async with running(MODULE, plant.settings, tmp_path) as router:
            await commands.count(count)
            await router.stop()
        async with running(MODULE, plant.settings, tmp_path) as router:
            await plant.read("pump-0", count)
            records = await commands.until(lambda records: count in numbers(records))
            await router.stop()
    assert numbers(records) == Counter(range(count + 1))
    for device in range(20):
        of_device = [one.variables["n"] for one in starts(records) if one.key == f"pump-{device}"]
        assert of_device == sorted(of_device)


async def test_without_a_position_the_router_starts_at_the_end_and_says_so(plant: Plant, tmp_path: Path) -> None:
    await plant.deploy("alarm")
    await plant.read("pump-1", 1)
    await plant.producer.flush()
    other = plant.settings.model_copy(update={"app_id": f"{plant.settings.app_id}-other"})
    async with (
        running(MODULE, other, tmp_path) as router,
        reading(other, plant.topics.commands.name, PARTITIONS) as commands,
    ):
        await router.said("Starting at the latest offset 1")
        await router.said(STARTED)
        await plant.read("pump-1", 2)
        assert numbers(await commands.count(1)) == Counter([2])
