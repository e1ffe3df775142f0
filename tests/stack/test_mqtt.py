"""The MQTT broker keeps QoS 1's promise, whichever of the two it is."""

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiomqtt
import paho.mqtt.client as paho
import pytest

from streams.mqtt import take_delivery
from weir.stack import mqtt
from weir.stack.ports import Ports, free_ports
from weir.stack.stack import Stack

TOPIC = "home/heatpump/one/telemetry"


@pytest.fixture(params=["amqtt", "mosquitto"], scope="module")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    program = mqtt.find_mosquitto()
    if request.param == "mosquitto" and program is None:
        pytest.skip("mosquitto is not installed")
    home = tmp_path_factory.mktemp("mqtt")
    stack = Stack(home, free_ports(26000, 29999))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mqtt, "find_mosquitto", lambda: program if request.param == "mosquitto" else None)
        spec = mqtt.prepare(home, stack.ports)
    assert request.param in " ".join(spec.argv)
    stack.start_process(spec)
    yield stack.ports
    stack.down()


class Received(list[tuple[int, bool]]):
    """Payload and retain flag of each message, in order."""

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self) < count:  # noqa: ASYNC110  the list is filled by a callback
                await asyncio.sleep(0.01)

    @property
    def numbers(self) -> list[int]:
        return [number for number, _retained in self]


@asynccontextmanager
async def subscriber(broker: Ports, client_id: str, acknowledges: Callable[[int], bool]) -> AsyncIterator[Received]:
    """A connection of a persistent session that acknowledges the messages that it chooses."""
    client = aiomqtt.Client("127.0.0.1", broker.mqtt, identifier=client_id, clean_session=False)
    received = Received()

    def deliver(message: paho.MQTTMessage, acknowledge: Callable[[], object]) -> None:
        received.append((int(message.payload), message.retain))
        if acknowledges(int(message.payload)):
            acknowledge()

    take_delivery(client, deliver)
    async with client:
        await client.subscribe("home/heatpump/+/telemetry", qos=1)
        yield received


async def publish(broker: Ports, numbers: range) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.mqtt) as client:
        for number in numbers:
            await client.publish(TOPIC, str(number), qos=1)


async def test_what_is_not_acknowledged_comes_again(broker: Ports):
    name = f"bridge-{uuid.uuid4()}"
    async with subscriber(broker, name, lambda number: number % 2 == 0) as first:
        await publish(broker, range(6))
        await first.until(6)
        assert first.numbers == list(range(6))
        await publish(broker, range(100, 101))  # a round trip: the acknowledgements before it have arrived
        await first.until(7)
    await publish(broker, range(6, 9))  # nobody is there
    async with subscriber(broker, name, lambda _number: True) as second:
        await second.until(6)
        await publish(broker, range(9, 10))  # what is new comes after what waited
        await second.until(7)
    assert [n for n in second.numbers if n != 100] == [1, 3, 5, 6, 7, 8, 9]
    assert not any(retained for _, retained in second)
    async with subscriber(broker, name, lambda _number: True) as third:
        await publish(broker, range(10, 11))
        await third.until(1)
    assert third.numbers == [10]


async def test_a_slow_acknowledgement_is_waited_for(broker: Ports):
    """Amqtt by itself gives a message up after five seconds; the bridge may wait longer for Kafka."""
    name = f"bridge-{uuid.uuid4()}"
    async with subscriber(broker, name, lambda _number: False) as first:
        await publish(broker, range(1))
        await first.until(1)
        until = time.monotonic() + 6
        while time.monotonic() < until:
            await publish(broker, range(1, 2))
            await asyncio.sleep(0.5)
    async with subscriber(broker, name, lambda _number: True) as second:
        await second.until(len(first))
    assert second.numbers == first.numbers


async def test_a_client_that_comes_back_before_its_old_connection_has_ended(broker: Ports):
    name = f"bridge-{uuid.uuid4()}"
    body = b"\x00\x04MQTT\x04\x00\x00\x00" + len(name).to_bytes(2, "big") + name.encode()  # persistent, no keepalive
    with socket.create_connection(("127.0.0.1", broker.mqtt), timeout=10) as old:
        old.sendall(b"\x10" + bytes([len(body)]) + body)
        assert old.recv(4) == b"\x20\x02\x00\x00"  # CONNACK, accepted
        async with subscriber(broker, name, lambda _number: True) as received:
            assert old.recv(1) == b""  # the broker has closed it
            await publish(broker, range(3))
            await received.until(3)
    assert received.numbers == [0, 1, 2]


async def test_a_thousand_messages_in_order(broker: Ports):
    async with subscriber(broker, f"bridge-{uuid.uuid4()}", lambda _number: True) as received:
        await publish(broker, range(1000))
        await received.until(1000)
    assert received.numbers == list(range(1000))


async def test_a_retained_message_is_marked(broker: Ports):
    async with aiomqtt.Client("127.0.0.1", broker.mqtt) as client:
        await client.publish(TOPIC, "7", qos=1, retain=True)
        try:
            async with subscriber(broker, f"bridge-{uuid.uuid4()}", lambda _number: True) as received:
                await received.until(1)
            assert set(received) == {(7, True)}  # amqtt sends it twice
        finally:
            await client.publish(TOPIC, "", qos=1, retain=True)
