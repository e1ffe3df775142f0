"""Every action, those over MQTT on the fake and on a real broker: what goes out, what comes back, what is refused."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import aiomqtt
import msgspec
import orjson
import pytest

from streams.actions import ACTIONS, ActionError, ActionRequest, performers
from streams.actions.connections import fake_connections
from streams.actions.databases import FakeDatabases
from streams.actions.emitter import FakeEmitter
from streams.actions.http_client import FakeHttpClient
from streams.actions.mailer import FakeMailer
from streams.actions.publisher import FakePublisher, MqttMessage, MqttPublisher, Publisher
from streams.mqtt import MqttAddress
from streams.station.geometry import Circle, Point
from streams.station.memory import MemoryStation
from streams.station.model import Alert, Bot, BotTrigger, User, Zone
from weir.stack.stack import StackUrls

PLANT_MS = 1_386_656_700_000
PLANT_TOPICS = ("plant",)
NOBODY = MqttAddress("127.0.0.1", 24_999)

Outbox = Callable[[int], Awaitable[list[MqttMessage]]]
"""Waits for so many messages and returns all there are."""


class World(NamedTuple):
    """A publisher, what came out of it under ``prefix``, and one whose broker cannot be reached."""

    publisher: Publisher
    sent: Outbox
    unreachable: Publisher


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake, down = FakePublisher(), FakePublisher()
        down.available = False

        async def kept(_: int) -> list[MqttMessage]:
            return fake.messages

        yield World(fake, kept, down)
        return
    stack: StackUrls = request.getfixturevalue("stack")
    address = MqttAddress.parse(stack.mqtt_url)
    publisher, down_publisher = MqttPublisher(address, f"p-{uuid.uuid4()}"), MqttPublisher(NOBODY, "nobody")
    await publisher.start()
    await down_publisher.start()
    async with aiomqtt.Client(address.host, address.port) as subscriber:
        await subscriber.subscribe([("contract/#", 1), ("weir/notify/#", 1), ("weir/message/#", 1)])
        seen: list[MqttMessage] = []

        async def received(count: int) -> list[MqttMessage]:
            async with asyncio.timeout(20):
                while len(seen) < count:
                    message = await anext(aiter(subscriber.messages))
                    seen.append(MqttMessage(str(message.topic), bytes(message.payload), message.qos))
            return seen

        yield World(publisher, received, down_publisher)
    await publisher.stop()
    await down_publisher.stop()


def request(action: str, config: dict[str, Any], time_left_s: float = 20.0) -> ActionRequest:
    return ActionRequest(
        action, config, "instance-1", "activity-1", "definition-1", "instance-1:activity-1:1", time_left_s
    )


def station() -> MemoryStation:
    """With one of everything that the good configurations name."""
    made = MemoryStation()
    made.tables.people["u1"] = User("u1", "Ann")
    made.tables.groups["staff"] = {"u1"}
    made.tables.zones["cold"] = Zone("cold", "Cold store", Circle(Point(48, 16), 100))
    made.tables.bots["b1"] = Bot("b1", "Bot", (BotTrigger("help", "help", "Ask me"),))
    made.tables.alerts["a1"] = Alert("a1", "error", "Hot", PLANT_MS, "ann")
    return made


async def perform(
    publisher: Publisher, action: str, config: dict[str, Any], time_left_s: float = 20.0
) -> dict[str, Any]:
    connections = fake_connections(PLANT_TOPICS)._replace(mqtt=publisher, station=station(), plant_ms=lambda: PLANT_MS)
    performer = performers(connections)[action]
    output = await performer.perform(request(action, config, time_left_s))
    assert msgspec.json.decode(msgspec.json.encode(output)) == output
    return output


GOOD: dict[str, dict[str, Any]] = {
    "mqtt_publish": {"topic": "contract/any", "payload": {"a": 1}},
    "notify": {"message": "hot", "channel": "alert"},
    "http_request": {"url": "https://plant.example/cooling", "method": "POST", "body": {"on": True}},
    "emit": {"topic": "plant", "event": {"a": 1}},
    "database_query": {"query": "SELECT :a", "params": {"a": 1}},
    "database_execute": {"statement": "DELETE FROM t WHERE a = $1", "params": [1]},
    "script": {"source": "output = {'twice': 2 * input['a']}", "input": {"a": 1}},
    "create_alert": {"title": "Too hot", "severity": "critical", "data": {"t": 95}},
    "acknowledge_alert": {"alert_id": "a1", "by": "ann"},
    "resolve_alert": {"alert_key": "pump-3"},
    "update_zone": {"zone_id": "cold", "margin_m": 5},
    "get_users_in_zone": {"zone_id": "cold"},
    "update_user_group": {"user_id": "u1", "group_id": "staff", "operation": "remove"},
    "send_message": {"user_id": "u1", "message": "Come, please"},
    "send_notification": {"channel": "night", "message": "Alarm", "title": "Fire", "priority": "urgent"},
    "trigger_bot_response": {"bot_id": "b1", "trigger": "help", "user_id": "u1"},
}
BAD: dict[str, dict[str, Any]] = {
    "mqtt_publish": {"topic": "contract/+", "payload": ""},
    "notify": {"message": "", "channel": "alert"},
    "http_request": {"url": "file:///etc/passwd"},
    "emit": {"topic": "process-commands", "event": {}},
    "database_query": {"query": "SELECT :a", "params": {}},
    "database_execute": {"statement": "DROP TABLE t"},
    "script": {"source": ""},
    "create_alert": {"title": "Too hot", "severity": "hot"},
    "acknowledge_alert": {"by": "ann"},
    "resolve_alert": {"alert_id": "a1", "alert_key": "pump-3"},
    "update_zone": {"zone_id": "cold", "lat": 91, "lon": 0, "radius_m": 5},
    "get_users_in_zone": {"zone_id": ""},
    "update_user_group": {"user_id": "u1", "group_id": "staff", "operation": "move"},
    "send_message": {"user_id": "u1", "channel": "night", "message": "Come, please"},
    "send_notification": {"channel": "night", "message": ""},
    "trigger_bot_response": {"bot_id": "b1", "trigger": "help"},
}
OVER_MQTT = ("mqtt_publish", "notify", "send_message", "send_notification", "trigger_bot_response")


def test_the_contract_is_for_every_action() -> None:
    assert GOOD.keys() == BAD.keys() == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_good_config_is_carried_out(action: str) -> None:
    await perform(FakePublisher(), action, GOOD[action])


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_dry_run_tells_what_would_happen_and_does_nothing(action: str) -> None:
    connections = fake_connections(PLANT_TOPICS)
    effect = performers(connections)[action].dry_run(request(action, GOOD[action]))
    assert effect.does
    assert msgspec.json.decode(msgspec.json.encode(effect.details)) == effect.details
    assert isinstance(connections.mqtt, FakePublisher)
    assert isinstance(connections.http, FakeHttpClient)
    assert isinstance(connections.databases, FakeDatabases)
    assert isinstance(connections.mailer, FakeMailer)
    assert isinstance(connections.emitter, FakeEmitter)
    done = [connections.mqtt.messages, connections.http.calls, connections.databases.calls]
    assert [*done, connections.mailer.mails, connections.emitter.events] == [[]] * 5


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_dry_run_refuses_what_performing_would(action: str) -> None:
    with pytest.raises(ActionError) as refused:
        performers(fake_connections(PLANT_TOPICS))[action].dry_run(request(action, BAD[action]))
    assert refused.value.error_type == "invalid_config"


@pytest.mark.parametrize("action", OVER_MQTT)
async def test_a_performed_action_has_gone_out_once(world: World, action: str) -> None:
    await perform(world.publisher, action, GOOD[action])
    assert len(await world.sent(1)) == 1


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_config_that_cannot_be_carried_out_is_refused_for_good(world: World, action: str) -> None:
    with pytest.raises(ActionError) as refused:
        await perform(world.publisher, action, BAD[action])
    assert (refused.value.error_type, refused.value.retryable) == ("invalid_config", False)


@pytest.mark.parametrize("action", OVER_MQTT)
async def test_without_a_broker_the_action_waits_and_then_says_so(world: World, action: str) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(ActionError) as failed:
        await perform(world.unreachable, action, GOOD[action], time_left_s=0.4)
    assert (failed.value.error_type, failed.value.retryable) == ("unavailable", True)
    assert 0.3 < asyncio.get_running_loop().time() - began < 0.4 + 5


@pytest.mark.parametrize(
    ("payload", "sent"),
    [
        ({"b": 1, "a": [1.5, None, True, "ü"]}, '{"b":1,"a":[1.5,null,true,"ü"]}'.encode()),
        ([], b"[]"),
        ("{ not json", b"{ not json"),
        ("", b""),
        (5, b"5"),
        (True, b"true"),
        (None, b"null"),
    ],
)
async def test_mqtt_publish_sends_texts_as_they_are_and_the_rest_as_compact_json(
    world: World, payload: Any, sent: bytes
) -> None:
    output = await perform(
        world.publisher, "mqtt_publish", {"topic": "contract/device/7", "payload": payload, "qos": 1}
    )
    [message] = await world.sent(1)
    assert message == MqttMessage("contract/device/7", sent, 1)
    assert output == {"topic": "contract/device/7", "bytes": len(sent)}


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_mqtt_publish_takes_every_quality_of_service(world: World, qos: int) -> None:
    await perform(world.publisher, "mqtt_publish", {"topic": "contract/qos", "payload": "x", "qos": qos})
    assert [message.payload for message in await world.sent(1)] == [b"x"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"topic": "", "payload": 1}, "config.topic"),
        ({"topic": 7, "payload": 1}, "config.topic"),
        ({"payload": 1}, "config.topic"),
        ({"topic": "a/#", "payload": 1}, "'a/#'"),
        ({"topic": "a\0b", "payload": 1}, "U+0000"),
        ({"topic": "a\ud800", "payload": 1}, "topic"),
        ({"topic": "x" * 70_000, "payload": 1}, "65535"),
        ({"topic": "a", "payload": "x" * 1_100_000}, "1048576"),
        ({"topic": "a", "payload": "\ud800"}, "payload"),
        ({"topic": "a", "payload": {"n": 2**70}}, "payload"),
        ({"topic": "a", "payload": 1, "qos": 3}, "config.qos"),
        ({"topic": "a", "payload": 1, "qos": True}, "config.qos"),
        ({"topic": "a", "payload": 1, "qos": [1]}, "config.qos"),
        ({"topic": "a", "payload": 1, "retain": "yes"}, "config.retain"),
    ],
)
async def test_mqtt_publish_names_what_is_wrong(config: dict[str, Any], named: str) -> None:
    with pytest.raises(ActionError) as refused:
        await perform(FakePublisher(), "mqtt_publish", config)
    assert (refused.value.error_type, refused.value.retryable) == ("invalid_config", False)
    assert named in str(refused.value)
    assert len(str(refused.value)) < 500


async def test_mqtt_publish_can_have_the_broker_retain(world: World) -> None:
    await perform(world.publisher, "mqtt_publish", {"topic": "contract/kept", "payload": "x", "retain": True})
    await world.sent(1)
    if isinstance(world.publisher, FakePublisher):
        assert world.publisher.messages[0].retain
        return
    address = world.publisher.address
    async with aiomqtt.Client(address.host, address.port) as late, asyncio.timeout(20):
        await late.subscribe("contract/kept")
        assert (await anext(aiter(late.messages))).retain
    await perform(world.publisher, "mqtt_publish", {"topic": "contract/kept", "payload": "", "retain": True})


async def test_notify_says_who_tells_what_and_when(world: World) -> None:
    output = await perform(
        world.publisher, "notify", {"message": "Still 95 °C", "channel": "alert/night", "title": "Hot"}
    )
    [message] = await world.sent(1)
    assert (message.topic, message.qos, output) == ("weir/notify/alert/night", 1, {"channel": "alert/night"})
    assert orjson.loads(message.payload) == {
        "channel": "alert/night",
        "title": "Hot",
        "message": "Still 95 °C",
        "instance_id": "instance-1",
        "definition_id": "definition-1",
        "activity_id": "activity-1",
        "idempotency_key": "instance-1:activity-1:1",
        "time": "2013-12-10T06:25:00.000Z",
    }


async def test_notify_goes_to_the_channel_alert_by_default(world: World) -> None:
    await perform(world.publisher, "notify", {"message": "hot"})
    [message] = await world.sent(1)
    assert (message.topic, orjson.loads(message.payload)["title"]) == ("weir/notify/alert", None)


@pytest.mark.parametrize(
    "config", [{}, {"message": 5}, {"message": "a", "channel": "a/+"}, {"message": "a", "channel": ""}]
)
async def test_notify_refuses_what_nobody_could_get(config: dict[str, Any]) -> None:
    with pytest.raises(ActionError) as refused:
        await perform(FakePublisher(), "notify", config)
    assert refused.value.error_type == "invalid_config"
