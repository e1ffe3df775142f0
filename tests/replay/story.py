"""A site that has lived: every kind of entity in the table, every outcome of a command in the log, no worker left."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.codec import decode_event
from streams.core.commands import (
    Cancel,
    CompleteActivity,
    DeployDefinition,
    Observe,
    Signal,
    StartProcess,
    TopicCommand,
)
from streams.core.durations import instant_text
from streams.core.events import Event
from streams.core.ids import partition_for, partition_of
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.log import opened, read_tables
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.contents import position_key
from streams.transport.port import TopicPartition as Place
from tests.core.test_instances import APPROVAL, COOLING
from tests.roles import DEADLINE_S, running
from tests.site import telemetry_topic
from weir.client import CommandClient
from weir.watch import Accepted, DeadLettered, Refused

PROCESSOR = "streams.agents.processor"
NAP = """
id: nap
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: minutes, type: integer, default: 0}]
activities:
  - {id: sleep, type: timer, duration: 1h}
  - {id: note, type: service, action: database_log, config: {message: "awake"}}
"""
Table = dict[int, dict[bytes, bytes]]


@dataclass
class Story:
    """``ids`` by what became of the instance."""

    settings: Settings
    topics: Topics
    ids: dict[str, str] = field(default_factory=dict)

    def home(self, name: str) -> int:
        return partition_of(self.ids[name])

    async def events(self) -> list[Event]:
        """The log, partition after partition."""
        return [decode_event(record) for _, record in await self.records(self.topics.events.name)]

    async def history(self, name: str) -> list[str]:
        return [event.type for event in await self.events() if event.subject == self.ids[name]]

    async def table(self, *, soft: bool = False) -> Table:
        """What the changelog holds, soft records aside unless they are wanted too."""
        async with opened(self.settings) as log:
            places = [Place(self.topics.changelog.name, number) for number in range(self.topics.partitions)]
            tables = await read_tables(log, await log.settled(places))
        return {
            number: {key: value for key, value in table.items() if soft or not key.startswith(b"latest:")}
            for number, table in sorted(tables.items())
        }

    async def records(self, topic: str) -> list[tuple[int, bytes]]:
        """(partition, value) of every committed record."""
        found = []
        async with opened(self.settings) as log:
            places = [Place(topic, number) for number in range(self.topics.partitions)]
            async for chunk in log.read(await log.settled(places)):
                found += [(chunk.tp.partition, record.value) for record in chunk.records]
        return sorted(found, key=lambda one: one[0])

    async def damage(self, changes: dict[int, dict[bytes, bytes | None]]) -> None:
        """Write into the changelog by hand, in a transaction of somebody else."""
        async with (
            AIOKafkaProducer(**client_options(self.settings), transactional_id=f"{self.settings.app_id}-hand") as hand,
            hand.transaction(),
        ):
            for partition, records in changes.items():
                for key, value in records.items():
                    await hand.send(self.topics.changelog.name, value, key=key, partition=partition)

    async def reset_group(self) -> None:
        """As ``kafka-consumer-groups.sh --reset-offsets --to-earliest`` does."""
        for number in range(self.topics.partitions):
            await self.set_group(number, 0)

    async def set_group(self, partition: int, offset: int) -> None:
        """Have the processor's group show another position."""
        options = client_options(self.settings)
        consumer = AIOKafkaConsumer(**options, group_id=self.settings.app_id, enable_auto_commit=False)
        await consumer.start()
        try:
            place = TopicPartition(self.topics.commands.name, partition)
            consumer.assign([place])
            await consumer.commit({place: offset})
        finally:
            await consumer.stop()

    def position(self, table: Table, partition: int) -> int:
        return int(table[partition][position_key(self.topics.commands.name)])


@asynccontextmanager
async def working(story: Story, folder: Path, *, hours: int = 0) -> AsyncIterator[CommandClient]:
    """A processor works, ``hours`` from now by the plant's clock, and stops in order."""
    now = round(time.time() * 1000)
    clock = f"{instant_text(now + hours * 3_600_000)}@{instant_text(now)}x1" if hours else story.settings.clock
    settings = story.settings.model_copy(update={"clock": clock})
    async with running(PROCESSOR, settings, folder) as role, CommandClient(settings, story.topics) as client:
        yield client
        await role.stop()


async def lived(settings: Settings, topics: Topics, folder: Path) -> Story:
    """One instance of each fate, and the other outcomes between."""
    story = Story(settings, topics)
    async with working(story, folder) as client:
        for text in (COOLING.replace("heatpump-telemetry", telemetry_topic(settings)), APPROVAL, NAP):
            definition = parse_definition(text).model_dump(mode="json")
            await accepted(client, DeployDefinition(definition=definition))
        for name in ("waiting", "done", "broken", "stopped"):
            story.ids[name] = await started(client, "approval", f"order-{name}", amount=5)
        await accepted(client, Signal(name="decided", key="order-done", payload={"approved": True}))
        await accepted(client, Signal(name="decided", key="order-broken", payload={"by": "nobody"}))
        await accepted(client, Cancel(key="order-stopped"))
        story.ids["cooling"] = await started(client, "cooling", "pump-1", device_id="pump-1", temperature=31.5)
        await accepted(client, Signal(name="decided", key="order-later", payload={"approved": True}))
        await accepted(client, Signal(name="unasked", key="order-waiting", payload={"n": 1e22}))
        late = await client.send_and_wait(Cancel(instance_id=story.ids["done"]), DEADLINE_S)
        assert isinstance(late, Refused)
        bad = await client.send_and_wait(Signal(v=9, name="go", key="order-later"), DEADLINE_S)
        assert isinstance(bad, DeadLettered)
        await stray(story, Signal(name="stray", key="order-waiting", payload={"n": 1}))
        await client.send(
            Observe(topic=telemetry_topic(settings), key="pump-1", reading={"fields": {"flow_temp_c": 9}})
        )
        story.ids["nap"] = await started(client, "nap", "sofa")
        await quiet(story)
    assert await story.history("broken") != []
    return story


async def stray(story: Story, command: TopicCommand) -> tuple[int, int]:
    """Send a command to the partition behind its key's; returns that partition, and the offset."""
    key = command.key.encode()
    partition = (partition_for(command.key, story.topics.partitions) + 1) % story.topics.partitions
    async with AIOKafkaProducer(**client_options(story.settings)) as producer:
        raw = msgspec.json.encode(command)
        sent = await producer.send_and_wait(story.topics.commands.name, raw, key=key, partition=partition)
    return sent.partition, sent.offset


async def accepted(client: CommandClient, command: TopicCommand) -> tuple[str, ...]:
    outcome = await client.send_and_wait(command, DEADLINE_S)
    assert isinstance(outcome, Accepted), outcome
    return tuple(outcome.subjects)


async def started(client: CommandClient, definition: str, key: str, **variables) -> str:
    command = StartProcess(definition_id=definition, definition_version=1, key=key, variables=variables)
    return next(one for one in await accepted(client, command) if ":" not in one)


def answer(instance: str) -> CompleteActivity:
    """What the action worker would say of the cooling's action."""
    return CompleteActivity(instance_id=instance, activity_id="cool", execution=2, attempt=1)


async def quiet(story: Story) -> None:
    """Wait until the processor has taken every command, those that leave no trace too, and shows it in its group."""
    places = [TopicPartition(story.topics.commands.name, number) for number in range(story.topics.partitions)]
    deadline = time.monotonic() + DEADLINE_S
    admin = AIOKafkaAdminClient(**client_options(story.settings))
    await admin.start()
    try:
        async with opened(story.settings) as log:
            while True:
                ends = {tp: span.end for tp, span in (await log.settled([Place(*tp) for tp in places])).items()}
                shown = await admin.list_consumer_group_offsets(story.settings.app_id)
                behind = [
                    tp for tp in places if ends[Place(*tp)] and (tp not in shown or shown[tp].offset < ends[Place(*tp)])
                ]
                if not behind:
                    return
                assert time.monotonic() < deadline, (behind, shown, ends)
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
