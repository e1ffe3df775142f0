"""A station to act on, in memory or in PostgreSQL: the same people, zones, groups and bots in both."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import asyncpg
import orjson

from streams.core.durations import instant
from streams.station.geometry import Circle, Point
from streams.station.memory import MemoryStation
from streams.station.model import Bot, BotTrigger, Fix, User, Zone
from streams.station.tables import Station

NOW_MS = 1_386_656_700_000
HOME = Point(48.2, 16.37)
FAR = Point(48.3, 16.37)
"""Eleven kilometres from home."""


class World(NamedTuple):
    """``events`` are readings in the order of the outbox, ``rows`` those of a table as JSON objects, by id."""

    station: Station
    events: Callable[[], Awaitable[list[dict[str, Any]]]]
    rows: Callable[[str], Awaitable[list[dict[str, Any]]]]


USERS = {"ann": "Ann", "ben": "Ben", "cleo": "Cleo"}
GROUPS = {"night": ["ann"], "staff": ["ann", "ben"], "guests": []}
INSIDE = {"ann": HOME, "ben": HOME, "cleo": FAR}
BOT = Bot("helper", "Helper", (BotTrigger("help", "help", "Ask me"), BotTrigger("mute", "quiet")))


def in_memory(station: MemoryStation) -> World:
    tables = station.tables
    tables.people |= {user_id: User(user_id, name, online=user_id != "ben") for user_id, name in USERS.items()}
    tables.groups |= {group: set(members) for group, members in GROUPS.items()}
    tables.zones["home"] = Zone("home", "Home", Circle(HOME, 100.0))
    tables.positions |= {user_id: Fix(at, NOW_MS - 60_000) for user_id, at in INSIDE.items()}
    tables.presence["home"] = {"ann": NOW_MS - 90_000, "ben": NOW_MS - 80_000}
    tables.bots[BOT.id] = BOT

    async def events() -> list[dict[str, Any]]:
        return [orjson.loads(event.value()) for event in station.tables.events]

    async def rows(table: str) -> list[dict[str, Any]]:
        found = {"alerts": station.tables.alerts.values(), "messages": station.tables.messages}[table]
        return sorted(({n: getattr(one, n) for n in one.__slots__} for one in found), key=lambda row: row["id"])

    return World(station, events, rows)


async def in_postgres(station: Station, connection: asyncpg.Connection) -> World:
    await connection.executemany(
        "INSERT INTO users (id, name, online) VALUES ($1, $2, $1 <> 'ben')", list(USERS.items())
    )
    await connection.executemany("INSERT INTO groups (id, name) VALUES ($1, $1)", [(group,) for group in GROUPS])
    members = [(group, user_id) for group, users in GROUPS.items() for user_id in users]
    await connection.executemany("INSERT INTO group_members (group_id, user_id) VALUES ($1, $2)", members)
    await connection.execute(
        "INSERT INTO zones (id, name, lat, lon, radius_m) VALUES ('home', 'Home', $1, $2, 100)", *HOME
    )
    fixes = [(user_id, *at, instant(NOW_MS - 60_000)) for user_id, at in INSIDE.items()]
    await connection.executemany("INSERT INTO positions (user_id, lat, lon, time) VALUES ($1, $2, $3, $4)", fixes)
    inside = [("ann", instant(NOW_MS - 90_000)), ("ben", instant(NOW_MS - 80_000))]
    await connection.executemany("INSERT INTO zone_members VALUES ('home', $1, $2)", inside)
    triggers = [{"name": one.name, "word": one.word, "response": one.response} for one in BOT.triggers]
    await connection.execute(
        "INSERT INTO bots (id, name, triggers) VALUES ($1, $2, $3)", BOT.id, BOT.name, orjson.dumps(triggers).decode()
    )

    async def events() -> list[dict[str, Any]]:
        found = await connection.fetch("SELECT value FROM station_outbox WHERE topic = 'station-events' ORDER BY id")
        return [orjson.loads(row["value"]) for row in found]

    async def rows(table: str) -> list[dict[str, Any]]:
        found = await connection.fetch(f"SELECT to_jsonb({table})::text AS row FROM {table} ORDER BY id")
        return [orjson.loads(row["row"]) for row in found]

    return World(station, events, rows)
