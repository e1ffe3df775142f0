"""Poison on the real broker, through router and processor as processes: each a dead letter as it came, and what follows
is worked on.  ``tests/poison.py`` has the list; the roles' own tests go through it one by one, without a broker.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from streams.core.commands import DeployDefinition, Signal
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.deadletters import ours, source_of
from streams.kafka import client_options
from streams.settings import Settings
from tests.core.test_instances import APPROVAL, COOLING
from tests.poison import HEADERS, KEYS, Poison, poison
from tests.roles import reading, running
from tests.site import make_site, telemetry_topic
from weir.client import CommandClient
from weir.watch import Accepted

ROUTER, PROCESSOR = "streams.agents.router", "streams.agents.processor"
SITE_PARTITIONS = 4
READING = b'{"tags": {"device_id": "hp1"}, "fields": {"flow_temp_c": @}}'
COMMAND = b'{"type":"signal","name":"go","key":"hp1","payload":{"x":@}}'


async def send_all(producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Poison]) -> None:
    """Each under another of the keys (a broker's client sends no record without key and value), with all headers."""
    for number, bad in enumerate(records):
        key = KEYS[number % len(KEYS)] if bad.value else b"k"
        await producer.send(topic, bad.value, key, partition, headers=list(HEADERS))
    await producer.flush()


def values(records: Sequence[ConsumerRecord], topic: str) -> Counter[bytes | None]:
    found = [(source_of(record.headers), record) for record in records]
    return Counter(record.value for source, record in found if source is not None and source.topic == topic)


async def test_poison_goes_through_router_and_processor(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings.model_copy(update={"session_timeout_s": 6.0}), tmp_path)
    home = partition_for("hp1", SITE_PARTITIONS)
    readings, commands = poison(READING), poison(COMMAND)
    definition = parse_definition(COOLING.replace("heatpump-telemetry", telemetry_topic(own)))
    async with (
        running(PROCESSOR, own, tmp_path),
        running(ROUTER, own, tmp_path) as router,
        CommandClient(own, topics) as client,
        AIOKafkaProducer(**client_options(own), max_request_size=2_000_000) as producer,
        reading(own, topics.dead_letters.name, 1) as letters,
        reading(own, topics.events.name, SITE_PARTITIONS) as events,
    ):
        for one in (definition, parse_definition(APPROVAL)):
            deploy = DeployDefinition(definition=one.model_dump(mode="json"))
            assert isinstance(await client.send_and_wait(deploy, 60), Accepted)
        await router.said("definition known", times=2)
        await send_all(producer, telemetry_topic(own), home, readings)
        await send_all(producer, topics.commands.name, home, commands)
        hot = READING.replace(b"@", b"30.5")
        await producer.send_and_wait(telemetry_topic(own), hot, b"hp1", home, headers=list(HEADERS))
        await events.until(lambda records: any(b'"started"' in record.value for record in records))
        outcome = await client.send_and_wait(Signal(name="go", key="hp1"), 60)
        assert isinstance(outcome, Accepted)
        records = await letters.count(len(readings) + len(commands))
        assert values(records, telemetry_topic(own)) == Counter(bad.value for bad in readings)
        assert values(records, topics.commands.name) == Counter(bad.value for bad in commands)
        for record in records:
            assert record.headers[len(ours(record.headers)) :] == HEADERS
