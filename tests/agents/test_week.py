"""A plant that is stopped for a week and started again: nothing old is done, and everything else goes on.

The week passes between two clocks: while the roles stand, their plant clock is made to run so fast that a week of plant
time lies behind everything that was left; then it goes on at the pace of the wall.

    before   an action is requested, a start waits in process-commands, a reading in Kafka, another in the MQTT broker
    fast     router, processor and action worker meet what waits in Kafka
    after    the bridge brings what the MQTT broker has kept, and a new reading comes
"""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from streams.codec import decode_command, decode_event
from streams.core.clock import PlantClock
from streams.core.commands import DeployDefinition, FailActivity, Signal, StartProcess
from streams.core.durations import instant_text
from streams.core.ids import partition_for
from streams.core.parse import parse_definition
from streams.kafka import client_options
from streams.mqtt import MqttAddress
from streams.settings import Settings
from tests.core import test_instances
from tests.roles import Role, Topic, reading, running
from tests.site import make_site, telemetry_topic
from weir.client import CommandClient
from weir.watch import Accepted

ROUTER, PROCESSOR, ACTIONS = "streams.agents.router", "streams.agents.processor", "streams.agents.actions"
BRIDGE = "streams.mqtt_bridge"
WEEK_MS = 7 * 86_400_000
PARTITIONS = 4
COOLING = """
id: week
version: 1
timeout: 3650d
trigger: {{type: redpanda, topic: {topic}, condition: fields.t > 25}}
variables: [{{name: device, source: tags.device_id, live: false}}]
activities:
  - {{id: cool, type: service, action: mqtt_publish,
     config: {{topic: {app}/control, payload: {{device: "${{device}}"}}}}}}
  - {{id: end, type: end}}
"""
APPROVAL = test_instances.APPROVAL.replace("version: 1", "version: 1\ntimeout: 3650d")
DEVICES = [name for name in (f"hp-{n}" for n in range(100)) if partition_for(name, PARTITIONS) == 0]
REQUESTED, QUEUED, BACKLOG, KEPT, FRESH, WAITING = DEVICES[:6]
"""All of one partition: where the last of them was, the others have been."""


def hot(device: str, taken_ms: float | None = None) -> bytes:
    taken = {} if taken_ms is None else {"timestamp": instant_text(int(taken_ms))}
    return json.dumps({"tags": {"device_id": device}, "fields": {"t": 30}, **taken}).encode()


def clock(plant_ms: float, wall_ms: float, factor: float) -> str:
    return f"{instant_text(int(plant_ms))}@{instant_text(int(wall_ms))}x{factor:.0f}"


def now_ms() -> float:
    return time.time() * 1000


@asynccontextmanager
async def working(settings: Settings, folder: Path, *modules: str) -> AsyncIterator[list[Role]]:
    """Roles; stopped at the end, as ``weir down`` does."""
    async with AsyncExitStack() as stack:
        roles = [await stack.enter_async_context(running(module, settings, folder)) for module in modules]
        yield roles
        for role in roles:
            await role.stop()


def starts(records: Sequence[ConsumerRecord]) -> list[str | None]:
    commands = [decode_command(record.value) for record in records]
    return [one.key for one in commands if isinstance(one, StartProcess) and one.definition_id == "week"]


def expired(records: Sequence[ConsumerRecord]) -> list[FailActivity]:
    commands = [decode_command(record.value) for record in records]
    return [one for one in commands if isinstance(one, FailActivity) and one.error_type == "expired"]


async def test_a_plant_that_was_stopped_for_a_week_does_nothing_old(settings: Settings, tmp_path: Path) -> None:
    own, topics = await make_site(settings.model_copy(update={"session_timeout_s": 6.0}), tmp_path)
    address = MqttAddress.parse(own.mqtt_url)
    async with (
        aiomqtt.Client(address.host, address.port) as mqtt,
        AIOKafkaProducer(**client_options(own)) as producer,
        reading(own, topics.commands.name, PARTITIONS) as commands,
        reading(own, topics.events.name, PARTITIONS) as events,
        reading(own, topics.rejections.name, PARTITIONS) as rejections,
        CommandClient(own, topics) as client,
    ):
        await mqtt.subscribe(f"{own.app_id}/control", qos=1)

        async def publish(device: str, taken_ms: float) -> None:
            await mqtt.publish(f"{own.app_id}/heatpump/{device}/telemetry", hot(device, taken_ms), qos=1)

        await _before(own, tmp_path, client, commands, producer)
        stopped_ms = now_ms()
        await publish(KEPT, stopped_ms)

        fast = clock(stopped_ms, stopped_ms, WEEK_MS / max(1_000, now_ms() - stopped_ms))
        async with working(own.model_copy(update={"clock": fast}), tmp_path, PROCESSOR, ROUTER, ACTIONS):
            [answer] = expired(await commands.until(expired))
            await rejections.until(lambda records: {"stale", "not_awaited"} <= _reasons(records))
        assert decode_event(await _started_as(events, answer.instance_id)).data["key"] == REQUESTED

        later_ms, wall_ms = PlantClock.parse(fast).plant_ms(now_ms()), now_ms()
        assert later_ms - stopped_ms > WEEK_MS
        later = own.model_copy(update={"clock": clock(later_ms, wall_ms, 1)})
        async with working(later, tmp_path, PROCESSOR, ROUTER, ACTIONS, BRIDGE) as (*_, bridge):
            await bridge.said("carrying MQTT messages")
            await publish(FRESH, later.plant_clock.plant_ms(now_ms()))
            message = await anext(aiter(mqtt.messages))
            assert json.loads(message.payload) == {"device": FRESH}  # type: ignore[arg-type]
            signalled = await client.send_and_wait(Signal(name="decided", key=WAITING, payload={"approved": True}), 60)
            assert isinstance(signalled, Accepted)
            assert signalled.events[-1].type == "completed"
        await commands.look()
        assert starts(commands.records) == [REQUESTED, QUEUED, FRESH]
        async with reading(own, telemetry_topic(own), PARTITIONS) as telemetry:
            carried = {json.loads(record.value)["tags"]["device_id"] for record in await telemetry.count(4)}
        assert carried == {QUEUED, BACKLOG, KEPT, FRESH}


async def _before(
    own: Settings, folder: Path, client: CommandClient, commands: Topic, producer: AIOKafkaProducer
) -> None:
    """The last minute before the plant stops; role after role, so that each leaves something behind."""
    async with working(own, folder, BRIDGE, ROUTER) as (bridge, _):
        async with working(own, folder, PROCESSOR):
            for text in (COOLING.format(topic=telemetry_topic(own), app=own.app_id), APPROVAL):
                definition = parse_definition(text).model_dump(mode="json")
                assert isinstance(await client.send_and_wait(DeployDefinition(definition=definition), 60), Accepted)
            for command in (
                StartProcess(definition_id="week", key=REQUESTED, variables={"device": REQUESTED}),
                StartProcess(definition_id="approval", key=WAITING, variables={"amount": 1}),
            ):
                assert isinstance(await client.send_and_wait(command, 60), Accepted)
        await bridge.said("carrying MQTT messages")
        await producer.send_and_wait(telemetry_topic(own), hot(QUEUED), QUEUED.encode(), partition=0)
        await commands.until(lambda records: QUEUED in starts(records))
    await producer.send_and_wait(telemetry_topic(own), hot(BACKLOG), BACKLOG.encode(), partition=0)


def _reasons(records: Sequence[ConsumerRecord]) -> set[str]:
    return {msgspec.json.decode(record.value)["reason"] for record in records}


async def _started_as(events: Topic, instance: str) -> bytes:
    def of(records: Sequence[ConsumerRecord]) -> list[bytes]:
        return [record.value for record in records if record.key == instance.encode() and b'"started"' in record.value]

    return of(await events.until(lambda records: bool(of(records))))[0]
