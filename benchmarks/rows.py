"""What the database holds: whether it has caught up with the events seen, and whether it is what happened."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from benchmarks.load import LostError
from benchmarks.plant import BenchPlant
from streams.core import ids

CATCH_UP_S = 60.0
POLL_S = 0.005

HISTORY = """
    SELECT count(*) AS rows, count(DISTINCT instance_id) AS instances FROM process_history
"""
BROKEN = """
    SELECT count(*) FROM (
        SELECT instance_id, count(*) AS rows, min(seq) AS first, max(seq) AS last FROM process_history GROUP BY 1
    ) history FULL JOIN process_instances instance ON instance.id = history.instance_id
    WHERE first IS DISTINCT FROM 1 OR last IS DISTINCT FROM rows OR last_seq IS DISTINCT FROM rows
"""


class Rows:
    """A connection to the plant's database."""

    def __init__(self, plant: BenchPlant, connection: asyncpg.Connection) -> None:
        self._events, self._connection = plant.topics.events.name, connection

    async def caught_up(self, ends: Mapping[int, int]) -> None:
        """Wait until the projection has passed these offsets of the events, by partition.

        Its position moves in the transaction of the rows.  Raises ``LostError``.
        """
        deadline = time.monotonic() + CATCH_UP_S
        query = "SELECT partition, position FROM projection_positions WHERE topic = $1"
        while True:
            positions = dict(await self._connection.fetch(query, self._events))
            if all(positions.get(partition, 0) >= end for partition, end in ends.items()):
                return
            if time.monotonic() > deadline:
                raise LostError(f"Expected rows up to {dict(ends)}, but the projection is at {positions}")
            await asyncio.sleep(POLL_S)

    async def check(self, events: int, statuses: Mapping[str, int]) -> None:
        """Compare with what was seen: ``events`` of all instances, and how many instances have which status.

        Raises ``LostError`` for a difference, a gap in a history, or a history that is not its instance's.
        """
        history = await self._connection.fetchrow(HISTORY)
        found = dict(await self._connection.fetch("SELECT status, count(*) FROM process_instances GROUP BY 1"))
        expected = {status: count for status, count in statuses.items() if count}
        broken = await self._connection.fetchval(BROKEN)
        if (history["rows"], history["instances"], found, broken) != (events, sum(expected.values()), expected, 0):
            raise LostError(
                f"Expected {events} rows of history and {expected}, but the database has {history['rows']} rows of "
                f"{history['instances']} instances and {found}; {broken} instances have a broken history"
            )

    async def completed(self, instance: str, deadline_s: float = CATCH_UP_S) -> float:
        """Wait for the row of a completed instance; returns the time at which it was seen.  Raises ``LostError``."""
        query = "SELECT status FROM process_instances WHERE id = $1 AND started_at = $2"
        deadline = time.monotonic() + deadline_s
        while await self._connection.fetchval(query, instance, started_at(instance)) != "completed":
            if time.monotonic() > deadline:
                raise LostError(f"Expected a row of the completed instance {instance}, but there is none")
            await asyncio.sleep(0.001)
        return time.time()


def started_at(instance: str) -> datetime:
    """When an instance started, by its id."""
    return datetime.fromtimestamp(ids.started_at_ms(instance) / 1000, UTC)


@asynccontextmanager
async def rows(plant: BenchPlant) -> AsyncIterator[Rows]:
    """The plant's rows."""
    connection = await asyncpg.connect(plant.settings.database_url, server_settings={"timezone": "UTC"})
    try:
        yield Rows(plant, connection)
    finally:
        await connection.close()
