"""Devices: readings over MQTT and directly to Kafka, some of them hot, some no readings at all.

Each reading carries a mark of its own, so that it can be found wherever it went.
"""

import itertools
from random import Random

import orjson

from streams.actions.base import ActionError
from streams.actions.publisher import MqttMessage, MqttPublisher
from streams.core.ids import partition_for
from streams.mqtt import MqttAddress
from streams.settings import Settings
from streams.topics import Topics
from tests.chaos.load import poison
from tests.chaos.load.sender import Sender
from tests.chaos.sent import Book
from weir.verify.sent import Poison

TOPIC = "heatpump-telemetry"
DEVICES = 30
HOT = 0.3
HOT_FROM = 25.0
"""As the definition `hot` has it."""
POISON = 0.02
PUBLISH_S = 20.0


class Devices:
    """All of them; ``rng`` decides what they measure."""

    def __init__(self, settings: Settings, topics: Topics, book: Book, rng: Random) -> None:
        self._partitions = topics.telemetry[TOPIC].partitions
        self._book, self._rng = book, rng
        self._sender = Sender(settings)
        self._publisher = MqttPublisher(MqttAddress.of(settings), "chaos-devices")
        self._numbers = itertools.count()

    async def start(self) -> None:
        await self._publisher.start()

    async def flush(self) -> None:
        await self._sender.flush()

    async def stop(self) -> None:
        await self._sender.close()
        await self._publisher.stop()

    async def send(self) -> None:
        """One record directly to Kafka."""
        device, mark, reading = self._reading()
        partition = partition_for(device, self._partitions)
        if self._rng.random() < POISON:
            await poison.send(self._sender, self._book, TOPIC, partition, self._rng.choice(poison.READINGS), self._rng)
            return

        def taken(at: int, offset: int) -> None:
            self._book.placed[mark] = (at, offset)

        await self._sender.send(TOPIC, partition, device.encode(), reading, taken=taken, unknown=lambda: None)

    async def publish(self) -> None:
        """One message to the MQTT broker."""
        device, mark, reading = self._reading()
        topic, bad = f"home/heatpump/{device}/telemetry", self._rng.random() < POISON
        payload = self._rng.choice(poison.MESSAGES) if bad else reading
        try:
            await self._publisher.publish(MqttMessage(topic, payload), PUBLISH_S)
        except ActionError:
            uncertain = True
        else:
            uncertain = False
        if bad:
            self._book.sent.poison.append(Poison(f"mqtt:{topic}", 0, None, payload, poison.BRIDGE, uncertain))
        elif not uncertain:
            self._book.published.add(mark)

    def _reading(self) -> tuple[str, str, bytes]:
        device, mark = f"d{self._rng.randrange(DEVICES)}", f"r{next(self._numbers)}"
        hot = self._rng.random() < HOT
        temperature = round(self._rng.uniform(26, 60) if hot else self._rng.uniform(5, 24), 1)
        reading = {"tags": {"device_id": device}, "fields": {"flow_temp_c": temperature, "mark": mark}}
        return device, mark, orjson.dumps(reading)
