"""How the server carries a statement out."""

from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import msgspec


async def planned(connection: asyncpg.Connection, query: str, values: Sequence[Any]) -> dict[str, Any]:
    """The plan with what it took; the statement is carried out."""
    [row] = await connection.fetchrow(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *values)
    [found] = row if isinstance(row, list) else msgspec.json.decode(row)
    plan: dict[str, Any] = found["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan's parts, whatever is within others too."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def looked_past(plan: dict[str, Any]) -> float:
    """How many rows were read that nobody had asked for."""
    return sum(one.get("Rows Removed by Filter", 0) * one["Actual Loops"] for one in nodes_of(plan))


class Explained:
    """A connection that keeps the plans of what it is asked."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.plans: list[dict[str, Any]] = []

    async def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """As the connection does."""
        self.plans.append(await planned(self._connection, query, values))
        found: list[asyncpg.Record] = await self._connection.fetch(query, *values)
        return found
