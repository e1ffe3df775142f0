"""The processor as a process of its own: commands on the real broker in, events out, whatever happens to it."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_event
from streams.core.commands import Cancel, DeployDefinition, Signal, StartProcess
from streams.core.events import Event
from streams.core.ids import instance_id, partition_for
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.settings import Settings
from streams.topics import Topics
from tests.core.test_instances import APPROVAL
from tests.roles import Role, reading, running
from tests.site import make_site
from weir.client import CommandClient
from weir.watch import Accepted, DeadLettered, Refused

PROCESSOR = "streams.agents.processor"
TIMED = """
id: timed
version: 1
trigger: {type: api, mode: parallel}
variables: [{name: n, type: integer}]
activities:
  - {id: wait, type: timer, duration: 1s}
  - {id: note, type: service, action: database_log, config: {message: "number ${n}"}}
"""


@pytest.fixture
async def site(settings: Settings, tmp_path: Path) -> tuple[Settings, Topics]:
    own, topics = await make_site(settings, tmp_path)
    return own.model_copy(update={"session_timeout_s": 6.0}), topics


@asynccontextmanager
async def deployed(
    site: tuple[Settings, Topics], folder: Path, *texts: str
) -> AsyncIterator[tuple[Role, CommandClient]]:
    """A processor with these definitions deployed, and a client."""
    settings, topics = site
    async with running(PROCESSOR, settings, folder) as role, CommandClient(settings, topics) as client:
        for text in texts:
            definition = parse_definition(text).model_dump(mode="json")
            outcome = await client.send_and_wait(DeployDefinition(definition=definition), 60)
            assert isinstance(outcome, Accepted), outcome
        yield role, client


def events_of(records: Sequence[ConsumerRecord]) -> list[Event]:
    return [decode_event(record.value) for record in records]


async def test_start_signal_and_refusals(site: tuple[Settings, Topics], tmp_path: Path) -> None:
    async with deployed(site, tmp_path, APPROVAL) as (role, client):
        started = await client.send_and_wait(
            StartProcess(definition_id="approval", key="order-7", variables={"amount": 5}), 20
        )
        assert isinstance(started, Accepted)
        (instance,) = started.subjects
        again = await client.send_and_wait(StartProcess(definition_id="approval", key="order-7"), 20)
        assert isinstance(again, Refused)
        assert (again.reason, again.subject) == ("already_running", instance)
        signalled = await client.send_and_wait(Signal(name="decided", key="order-7", payload={"approved": True}), 20)
        assert isinstance(signalled, Accepted)
        assert signalled.events[-1].type == "completed"
        late = await client.send_and_wait(Cancel(instance_id=instance), 20)
        assert isinstance(late, Refused)
        assert late.reason == "not_running"
        assert await role.stop() < 10


async def test_bad_input_never_blocks_a_partition(site: tuple[Settings, Topics], tmp_path: Path) -> None:
    settings, topics = site
    async with deployed(site, tmp_path, APPROVAL) as (_, client):
        producer = AIOKafkaProducer(**client_options(settings))
        await producer.start()
        key = "order-1"
        home = partition_for(key, topics.partitions)
        bad = [
            b"{",
            b"null",
            b'{"type":"explode"}',
            b'{"type":"signal","name":"a\\u0000"}',
            b'{"type":"signal","name":NaN}',
        ]
        for raw in bad:
            await producer.send_and_wait(topics.commands.name, raw, key=key.encode(), partition=home)
        lost = Signal(name="go", instance_id=instance_id(1_700_000_000_000, home, "nobody"))
        start = StartProcess(id="astray", definition_id="approval", key=key, variables={"amount": 5})
        await producer.send_and_wait(topics.commands.name, msgspec.json.encode(lost), partition=home)
        astray = (home + 1) % topics.partitions
        await producer.send_and_wait(topics.commands.name, msgspec.json.encode(start), partition=astray)
        await producer.stop()
        async with reading(settings, topics.events.name, topics.partitions) as log:
            records = await log.until(lambda records: any(b'"started"' in record.value for record in records))
            assert {record.partition for record in records if b'"started"' in record.value} == {home}
        async with reading(settings, topics.dead_letters.name, 1) as letters:
            assert [record.value for record in await letters.count(len(bad))] == bad
        async with reading(settings, topics.rejections.name, topics.partitions) as rejections:
            (rejection,) = await rejections.count(1)
            assert msgspec.json.decode(rejection.value)["reason"] == "unknown_instance"
        outcome = await client.send_and_wait(Signal(name="decided", key=key, payload={"approved": True}), 20)
        assert isinstance(outcome, Accepted)


async def test_a_dead_letter_is_an_outcome_that_a_sender_sees(site: tuple[Settings, Topics], tmp_path: Path) -> None:
    async with deployed(site, tmp_path, APPROVAL) as (_, client):
        outcome = await client.send_and_wait(Signal(v=9, name="go", key="k"), 20)
        assert isinstance(outcome, DeadLettered)
        assert "upgrade Weir" in outcome.message


async def test_nothing_is_lost_or_done_twice_when_the_processor_is_killed(
    site: tuple[Settings, Topics], tmp_path: Path
) -> None:
    """Starts stream in while the processor is killed twice; every instance has one whole history, its timer fires
    once.
    """
    settings, topics = site
    number = 600
    async with deployed(site, tmp_path, TIMED) as (role, client):
        ids = [client.new_instance_id(f"key-{n}") for n in range(number)]  # in all partitions
        async with reading(settings, topics.events.name, topics.partitions) as log:

            async def send(some: Sequence[int]) -> None:
                for n in some:
                    command = StartProcess(
                        definition_id="timed", definition_version=1, instance_id=ids[n], variables={"n": n}
                    )
                    await client.send(command)

            await send(range(200))
            await log.until(lambda records: len(records) > 20)
            await role.kill()
            await send(range(200, 400))
            async with running(PROCESSOR, settings, tmp_path) as second:
                await log.until(lambda records: sum(b"timer_fired" in record.value for record in records) > 50)
                await second.kill()
            await send(range(400, number))
            async with running(PROCESSOR, settings, tmp_path):
                await log.until(lambda records: sum(b'"completed"' in record.value for record in records) >= number)
        events = [event for event in events_of(log.records) if not event.subject.startswith("definition:")]
        histories: dict[str, list[Event]] = {}
        for event in events:
            histories.setdefault(event.subject, []).append(event)
        assert set(histories) == set(ids)
        kinds = Counter(tuple(event.type for event in history) for history in histories.values())
        assert kinds == {
            (
                "started",
                "activity_started",
                "timer_started",
                "timer_fired",
                "activity_started",
                "activity_completed",
                "completed",
            ): number
        }
        assert all([event.seq for event in history] == list(range(1, 8)) for history in histories.values())
        messages = {history[5].message for history in histories.values()}
        assert messages == {f"number {n}" for n in range(number)}
        early = [h for h in histories.values() if (h[3].time - h[2].time).total_seconds() < 1]
        assert early == []
