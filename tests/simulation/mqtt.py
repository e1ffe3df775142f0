"""A simulated MQTT broker: messages of QoS 1 to one persistent session, redelivered until they are acknowledged."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiomqtt

from streams.actions.base import unavailable
from streams.actions.publisher import MqttMessage, check_message
from tests.simulation.network import Network
from tests.simulation.process import OWNER


@dataclass
class Delivery:
    """A message as paho hands it out."""

    topic: str
    payload: bytes
    retain: bool = False


Deliver = Callable[[Delivery, Callable[[], None]], None]


class Mqtt:
    """The broker.  ``sent`` are the messages that devices have published, ``published`` those of actions."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.sent: list[Delivery] = []
        self.acknowledged: set[int] = set()
        self.published: list[MqttMessage] = []
        self._session: Client | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        """A device's message; the broker has it, from now on."""
        self.sent.append(Delivery(topic, payload))
        if self._session is not None:
            self._session.bring(len(self.sent) - 1)

    def attach(self, client: "Client") -> None:
        """A connection takes the session over; what is not acknowledged is delivered again, in order."""
        if self._session is not None:
            self._session.drop()
        self._session = client
        for number in range(len(self.sent)):
            if number not in self.acknowledged:
                client.bring(number)

    def acknowledge(self, number: int) -> None:
        """PUBACK."""
        self.acknowledged.add(number)

    def drop(self) -> bool:
        """Break the connection of the session; whether there was one."""
        session, self._session = self._session, None
        if session is not None:
            session.drop()
        return session is not None


class Client:
    """A connection of the bridge, with what ``streams.bridging`` asks of ``aiomqtt.Client``."""

    def __init__(self, mqtt: Mqtt) -> None:
        self._mqtt = mqtt
        self.deliver: Deliver | None = None
        self._process = OWNER.get()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last = 0.0

    async def __aenter__(self) -> Self:
        await self._mqtt.network.travel()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop()

    async def subscribe(self, _filters: object) -> tuple[int]:
        await self._mqtt.network.ask(lambda: self._mqtt.attach(self))
        return (1,)

    async def lost(self) -> None:
        """Until the connection breaks."""
        await self._lost
        raise aiomqtt.MqttError("Disconnected")

    def drop(self) -> None:
        """The connection breaks."""
        if not self._lost.done():
            self._lost.set_result(None)

    def bring(self, number: int) -> None:
        """Deliver a message of the broker, in order."""
        loop = asyncio.get_running_loop()
        self._last = max(self._last, loop.time() + self._mqtt.network.delay())
        context = self._process.context()
        loop.call_at(self._last, self._arrived, number, context=context)

    def _arrived(self, number: int) -> None:
        if self.deliver is not None and not self._lost.done():
            self.deliver(self._mqtt.sent[number], lambda: self._acknowledge(number))

    def _acknowledge(self, number: int) -> None:
        if not self._lost.done():
            self._mqtt.network.request(lambda: self._mqtt.acknowledge(number))


def take_delivery(client: Client, deliver: Deliver) -> None:
    """``streams.mqtt.take_delivery``."""
    client.deliver = deliver


async def until_lost(client: Client) -> None:
    """``streams.mqtt.until_lost``."""
    await client.lost()


class Publisher:
    """``streams.actions.Publisher``: what actions send; an unreachable broker lets them fail."""

    def __init__(self, mqtt: Mqtt) -> None:
        self._mqtt = mqtt

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    async def publish(self, message: MqttMessage, timeout_s: float) -> None:
        check_message(message)
        try:
            async with asyncio.timeout(timeout_s):
                await self._mqtt.network.ask(lambda: self._mqtt.published.append(message))
        except TimeoutError:
            raise unavailable("The simulated broker could not be reached") from None
