import asyncio
import uuid

import aiomqtt
import paho.mqtt.client as paho
import pytest

from streams.mqtt import Acknowledge, MqttAddress, keep_connected, paho_client, take_delivery, until_lost
from streams.refused import MqttUrlError
from tests.roles import until
from weir.stack.stack import StackUrls


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", MqttAddress("broker", 1883)),
        ("mqtt://127.0.0.1:18830/", MqttAddress("127.0.0.1", 18830)),
        ("mqtts://broker", MqttAddress("broker", 8883, tls=True)),
        ("mqtt://[::1]:1884", MqttAddress("::1", 1884)),
        ("mqtt://me@broker", MqttAddress("broker", 1883, username="me")),
        ("mqtt://me:p%40ss%2Fword@broker", MqttAddress("broker", 1883, username="me", password="p@ss/word")),
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: MqttAddress) -> None:
    assert MqttAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker",
        "http://me:secret@broker",
        "mqtt://",
        "mqtt://me:secret@broker:port",
        "mqtt://me:secret@broker/path",
    ],
)
def test_a_bad_url_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(MqttUrlError, match=r"Expected WEIR_MQTT_URL as mqtt://") as refused:
        MqttAddress.parse(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_password_is_never_shown() -> None:
    address = MqttAddress.parse("mqtts://me:secret@broker")
    assert "secret" not in f"{address} {address!r}"
    assert str(address) == "mqtts://broker:8883"


async def test_the_paho_client_inside_has_what_is_used_of_it() -> None:
    inside = paho_client(aiomqtt.Client("127.0.0.1"))
    assert isinstance(inside, paho.Client)
    for name in (
        "manual_ack_set",
        "ack",
        "on_message",
        "on_publish",
        "publish",
        "max_inflight_messages_set",
        "disconnect",
    ):
        assert hasattr(inside, name)


async def test_only_what_was_acknowledged_by_hand_is_gone(stack: StackUrls) -> None:
    address, name = MqttAddress.parse(stack.mqtt_url), f"t-{uuid.uuid4().hex[:8]}"
    seen: list[bytes] = []
    connections = 0

    def deliver(message: paho.MQTTMessage, acknowledge: Acknowledge) -> None:
        seen.append(bytes(message.payload))
        if message.payload != b"leave":
            acknowledge()

    async def serve(client: aiomqtt.Client) -> None:
        nonlocal connections
        connections += 1
        take_delivery(client, deliver)
        async with client:
            await client.subscribe(f"{name}/#", qos=1)
            async with address.client() as publisher:
                for payload in (b"leave", b"take") if connections == 1 else (b"end",):
                    await publisher.publish(f"{name}/a", payload, qos=1)
            if connections == 1:
                await until(lambda: len(seen) == 2, lambda: str(seen))
                return  # leaves, and comes again
            await until_lost(client)

    keeping = asyncio.create_task(keep_connected(address, serve, client_id=name, persistent=True))
    await until(lambda: b"end" in seen, lambda: str(seen))
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert seen == [b"leave", b"take", b"leave", b"end"]


async def test_a_cancellation_that_comes_with_an_answer_of_the_broker_is_not_lost(stack: StackUrls) -> None:
    address, served = MqttAddress.parse(stack.mqtt_url), asyncio.Event()

    async def serve(client: aiomqtt.Client) -> None:
        async with client:
            served.set()
            answer = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(lambda: (answer.set_result(None), keeping.cancel()))
            await client._wait_for(answer, timeout=None)
            await asyncio.Event().wait()

    keeping = asyncio.create_task(keep_connected(address, serve, client_id=f"t-{uuid.uuid4().hex[:8]}"))
    await served.wait()
    with pytest.raises(asyncio.CancelledError):
        await keeping
