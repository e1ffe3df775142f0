"""Walkers: people who come into a zone and leave it, by their positions on the station's topic.

Each position carries a time that is later than the walker's last, so that it counts: whether a walker enters or leaves
follows from the log alone.
"""

import time
from random import Random

import orjson

from streams.core.ids import partition_for
from streams.settings import Settings
from streams.station.decoding import POSITIONS
from streams.station.geometry import Point
from streams.topics import Topics
from tests.chaos.load.sender import Sender

WALKERS = 20
ZONE = "hall"
"""As the definition `visit` has it."""
AT = Point(48.137, 11.575)
RADIUS_M = 50.0
AWAY_DEG = 0.01
"""A kilometre: no margin reaches there."""


class Walkers:
    """All of them; ``rng`` decides where they are."""

    def __init__(self, settings: Settings, topics: Topics, rng: Random) -> None:
        self._partitions = topics.telemetry[POSITIONS].partitions
        self._rng = rng
        self._sender = Sender(settings)
        self._last_ms: dict[str, int] = {}

    async def send(self) -> None:
        """One position."""
        walker = f"w{self._rng.randrange(WALKERS)}"
        inside = self._rng.random() < 0.5
        now = self._last_ms[walker] = max(round(time.time() * 1000), self._last_ms.get(walker, 0) + 1)
        position = {
            "tags": {"user_id": walker},
            "fields": {"lat": AT.lat + (0 if inside else AWAY_DEG), "lon": AT.lon},
            "timestamp": now / 1000,
        }
        await self._sender.send(
            POSITIONS,
            partition_for(walker, self._partitions),
            walker.encode(),
            orjson.dumps(position),
            taken=lambda _at, _offset: None,  # the log tells what there is
            unknown=lambda: None,
        )

    async def flush(self) -> None:
        await self._sender.flush()

    async def stop(self) -> None:
        await self._sender.close()
