"""The machines: each plays its series over MQTT as a device would, and an ear of the demo hears what they are told.

Readings go out with QoS 1 on a schedule of wall time, one a tick and machine; a machine that falls behind (its broker
was slow) catches up without changing the order.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiomqtt
import orjson

from streams.core.clock import PlantClock
from streams.core.durations import instant_text
from streams.mqtt import MqttAddress
from weir.demo.series import Reading, Series

TELEMETRY = "home/heatpump/{device_id}/telemetry"
CONTROL = "home/heatpump/control"
AT_LEAST_ONCE = 1


Published = dict[tuple[str, str], float]
"""When each reading went out, in Unix ms of wall time, by device and the device's own timestamp."""


@dataclass(frozen=True)
class Schedule:
    """One reading in ``tick_s`` seconds from ``begin_ms`` (Unix ms of wall time) on; devices' clocks show ``clock``."""

    clock: PlantClock
    tick_s: float
    begin_ms: float

    def later(self, share: float) -> "Schedule":
        """The same a share of a tick later."""
        return replace(self, begin_ms=self.begin_ms + share * self.tick_s * 1000)

    def due_ms(self, index: int) -> float:
        """When the reading with this index goes out, in Unix ms of wall time."""
        return self.begin_ms + index * self.tick_s * 1000

    def device_time(self, index: int) -> str:
        """The timestamp that a device gives the reading: plant time, RFC 3339."""
        return instant_text(self.clock.plant_ms(self.due_ms(index)))


@dataclass(frozen=True)
class Commanded:
    """A command that came over MQTT: when (Unix ms of wall time), for whom, and what."""

    at_ms: float
    device_id: str
    command: str


class Ear:
    """Subscribes to the machines' control topic; independent of Weir, so that what it counts was really sent."""

    def __init__(self, mqtt_url: str) -> None:
        self.heard: list[Commanded] = []
        self.listening = asyncio.Event()
        self._mqtt_url = mqtt_url

    async def listen(self) -> None:
        """Listen until cancelled."""
        async with connect(self._mqtt_url, "weir-demo-ear") as client:
            await client.subscribe(CONTROL, qos=AT_LEAST_ONCE)
            self.listening.set()
            async for message in client.messages:
                now_ms = time.time() * 1000
                payload = orjson.loads(message.payload if isinstance(message.payload, bytes) else b"{}")
                self.heard.append(Commanded(now_ms, str(payload.get("device_id")), str(payload.get("command"))))


def connect(mqtt_url: str, client_id: str) -> aiomqtt.Client:
    """A client of the broker at ``mqtt_url``."""
    return MqttAddress.parse(mqtt_url).client(identifier=client_id)


async def play(
    machines: Sequence[Series], mqtt_url: str, schedule: Schedule, published: Published, played: Callable[[], None]
) -> None:
    """Play every series whole; ``played`` is called for each reading that the broker has acknowledged.

    Each machine has its own moment within the tick, as devices of a plant have within their five minutes.
    """
    async with asyncio.TaskGroup() as group:
        for number, series in enumerate(machines):
            own = schedule.later(number / len(machines))
            group.create_task(_play_one(series, mqtt_url, own, published, played))


async def _play_one(
    series: Series, mqtt_url: str, schedule: Schedule, published: Published, played: Callable[[], None]
) -> None:
    topic = TELEMETRY.format(device_id=series.device_id)
    async with connect(mqtt_url, f"weir-demo-{series.device_id}") as client:
        for index, reading in enumerate(series.readings):
            await asyncio.sleep(max(0.0, schedule.due_ms(index) / 1000 - time.time()))
            timestamp = schedule.device_time(index)
            payload = orjson.dumps(message(series.device_id, reading, timestamp))
            published[series.device_id, timestamp] = time.time() * 1000
            await client.publish(topic, payload, qos=AT_LEAST_ONCE)
            played()


def message(device_id: str, reading: Reading, timestamp: str) -> dict[str, Any]:
    """A reading as the machine sends it; ``timestamp`` is by the machine's own clock, which shows plant time."""
    return {
        "tags": {"device_id": device_id},
        "fields": {"flow_temp_c": reading.value, "original_timestamp": reading.timestamp},
        "timestamp": timestamp,
    }
