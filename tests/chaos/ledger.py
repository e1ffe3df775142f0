"""The ledger of effects: what the world has seen of the actions, kept by nobody of Weir.

A subscriber of ``weir/notify/#`` at the MQTT broker, which no fault touches.  A message may come twice; its idempotency
key is what counts.
"""

import asyncio
import time

import orjson

from streams.mqtt import MqttAddress
from streams.settings import Settings

TOPIC = "weir/notify/#"
QUIET_S = 3.0


class Ledger:
    """``effects``: idempotency key and message of each, as often as it was seen."""

    def __init__(self, settings: Settings) -> None:
        self.effects: list[tuple[str, bytes]] = []
        self._address = MqttAddress.of(settings)
        self._seen_at = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the broker has the subscription."""
        subscribed = asyncio.Event()
        self._task = asyncio.create_task(self._keep(subscribed))
        async with asyncio.timeout(30):
            await subscribed.wait()

    def quiet(self) -> bool:
        """Nothing has come for a while: the MQTT broker has delivered what it was given."""
        return time.monotonic() - self._seen_at > QUIET_S

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def check(self) -> None:
        """Raise what has ended it: from then on effects would be missed."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _keep(self, subscribed: asyncio.Event) -> None:
        async with self._address.client(identifier="chaos-ledger", timeout=30) as client:
            await client.subscribe(TOPIC, qos=1)
            subscribed.set()
            async for message in client.messages:
                self._seen_at = time.monotonic()
                assert isinstance(message.payload, bytes)
                notice = orjson.loads(message.payload)
                self.effects.append((notice["idempotency_key"], notice["message"].encode()))
