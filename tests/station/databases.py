"""The station's database, real and simulated: both are held to the same."""

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from projections.memory_database import MemoryConnection, MemoryDatabase
from streams.station.model import Bot, Zone
from tests.station.world import HOME


class Postgres:
    """The real one, at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connections: list[asyncpg.Connection] = []

    async def connect(self, **settings: str) -> Any:
        connection = await asyncpg.connect(self.url, server_settings=settings)
        self._connections.append(connection)
        return connection

    async def end(self, connection: asyncpg.Connection) -> None:
        """Have the server end a session."""
        pid = connection.get_server_pid()
        other = await self.connect()
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        while await other.fetchval("SELECT true FROM pg_stat_activity WHERE pid = $1", pid):
            pass

    async def add_zone(self, zone: Zone) -> None:
        """A circle around ``HOME``."""
        query = "INSERT INTO zones (id, name, lat, lon, radius_m) VALUES ($1, $2, $3, $4, 100)"
        await (await self.connect()).execute(query, zone.id, zone.name, *HOME)

    async def add_bot(self, bot: Bot) -> None:
        query = "INSERT INTO bots (id, name, triggers) VALUES ($1, $2, $3)"
        await (await self.connect()).execute(query, bot.id, bot.name, triggers_of(bot))

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All of a table, in any order."""
        return [dict(row) for row in await (await self.connect()).fetch(f"SELECT * FROM {table}")]

    async def restore_sequence(self) -> None:
        """As it was when one number was drawn from it."""
        await (await self.connect()).execute("SELECT setval('station_outbox_seq', 1)")

    def close(self) -> None:
        for connection in self._connections:
            connection.terminate()


class Memory:
    """The simulated one; whoever patches ``asyncpg.connect`` with ``connect`` reaches it."""

    url = "postgresql://nowhere/weir"

    def __init__(self) -> None:
        self.database = MemoryDatabase()

    async def connect(self, *_: Any, server_settings: Mapping[str, str] | None = None, **settings: Any) -> Any:
        return await self.database.connect(server_settings=server_settings or settings)

    async def end(self, connection: MemoryConnection) -> None:
        connection.end()

    async def add_zone(self, zone: Zone) -> None:
        self.database.tables.station.zones[zone.id] = zone_row(zone.id, zone.name, *HOME, 100.0)

    async def add_bot(self, bot: Bot) -> None:
        row = {"id": bot.id, "name": bot.name, "enabled": bot.enabled, "triggers": triggers_of(bot)}
        self.database.tables.station.bots[bot.id] = row

    async def rows(self, table: str) -> list[dict[str, Any]]:
        tables = self.database.tables
        found = tables.outbox.rows if table == "station_outbox" else getattr(tables.station, table)
        return [*found.values()]

    async def restore_sequence(self) -> None:
        self.database.tables.outbox.last_seq = 1

    def close(self) -> None:
        """Nothing is open."""


def zone_row(zone_id: str, name: str, lat: float, lon: float, radius_m: float) -> dict[str, Any]:
    """A circle, as the table has it."""
    shape = {"lat": lat, "lon": lon, "radius_m": radius_m, "polygon": None, "margin_m": 10.0}
    return {"id": zone_id, "name": name, **shape, "active": True, "metadata": "{}"}


def triggers_of(bot: Bot) -> str:
    """As the table has them."""
    triggers = [{"name": one.name, "word": one.word, "response": one.response} for one in bot.triggers]
    return orjson.dumps(triggers).decode()
