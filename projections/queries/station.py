"""The station's people, groups, zones and bots.  Times are plant time."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

_USERS = """
    SELECT id, name, metadata::text, online, seen_at, registered_at, position.lat, position.lon,
           ARRAY (SELECT group_id FROM group_members WHERE user_id = users.id ORDER BY group_id) AS groups,
           ARRAY (SELECT zone_id FROM zone_members WHERE user_id = users.id ORDER BY zone_id) AS zones
    FROM users LEFT JOIN positions AS position ON position.user_id = users.id
    WHERE ($1::text IS NULL OR id > $1) AND ($2::boolean IS NULL OR online = $2)
      AND ($3::text IS NULL OR EXISTS (SELECT FROM group_members AS m WHERE (m.group_id, m.user_id) = ($3, users.id)))
      AND ($4::text IS NULL OR EXISTS (SELECT FROM zone_members AS m WHERE (m.zone_id, m.user_id) = ($4, users.id)))
      AND ($5::text IS NULL OR id = $5)
    ORDER BY id LIMIT $6
"""
_GROUPS = """
    SELECT id, name, metadata::text, created_at,
           ARRAY (SELECT user_id FROM group_members WHERE group_id = groups.id ORDER BY user_id) AS members
    FROM groups WHERE $1::text IS NULL OR id = $1 ORDER BY id
"""
_ZONES = """
    SELECT id, name, lat, lon, radius_m, polygon::text, margin_m, active, metadata::text, updated_at,
           ARRAY (SELECT user_id FROM zone_members WHERE zone_id = zones.id ORDER BY user_id) AS users
    FROM zones WHERE $1::text IS NULL OR id = $1 ORDER BY id
"""
_BOTS = """
    SELECT id, name, enabled, triggers::text, metadata::text, created_at
    FROM bots WHERE $1::text IS NULL OR id = $1 ORDER BY id
"""


class StationUser(msgspec.Struct, frozen=True, kw_only=True):
    """``zones`` are those that they are in; ``lat`` and ``lon`` where they were last."""

    id: str
    name: str
    metadata: dict[str, Any]
    online: bool
    seen_at: datetime | None
    registered_at: datetime
    lat: float | None
    lon: float | None
    groups: list[str]
    zones: list[str]


class StationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """``members`` are ids of users."""

    id: str
    name: str
    metadata: dict[str, Any]
    created_at: datetime
    members: list[str]


class StationZone(msgspec.Struct, frozen=True, kw_only=True):
    """A circle, or a ``polygon`` of ``{lat, lon}``; ``users`` are who is in it."""

    id: str
    name: str
    lat: float | None
    lon: float | None
    radius_m: float | None
    polygon: list[dict[str, float]] | None
    margin_m: float
    active: bool
    metadata: dict[str, Any]
    updated_at: datetime
    users: list[str]


class StationBot(msgspec.Struct, frozen=True, kw_only=True):
    """``triggers`` are ``{name, word, response}``."""

    id: str
    name: str
    enabled: bool
    triggers: list[dict[str, Any]]
    metadata: dict[str, Any]
    created_at: datetime


_JSON = frozenset({"metadata", "polygon", "triggers"})


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    return {
        name: msgspec.json.decode(value) if name in _JSON and value is not None else value
        for name, value in dict(row).items()
    }


async def station_users(
    connection: asyncpg.Connection,
    *,
    online: bool | None = None,
    group: str | None = None,
    zone: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[StationUser]:
    """People by id, from behind ``after`` on."""
    rows = await connection.fetch(_USERS, after, online, group, zone, None, limit)
    return [StationUser(**_fields(row)) for row in rows]


async def station_user(connection: asyncpg.Connection, user_id: str) -> StationUser | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_USERS, None, None, None, None, user_id, 1)
    return None if row is None else StationUser(**_fields(row))


async def station_groups(connection: asyncpg.Connection) -> list[StationGroup]:
    """All of them, by id."""
    return [StationGroup(**_fields(row)) for row in await connection.fetch(_GROUPS, None)]


async def station_group(connection: asyncpg.Connection, group_id: str) -> StationGroup | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_GROUPS, group_id)
    return None if row is None else StationGroup(**_fields(row))


async def station_zones(connection: asyncpg.Connection) -> list[StationZone]:
    """All of them, by id."""
    return [StationZone(**_fields(row)) for row in await connection.fetch(_ZONES, None)]


async def station_zone(connection: asyncpg.Connection, zone_id: str) -> StationZone | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_ZONES, zone_id)
    return None if row is None else StationZone(**_fields(row))


async def station_bots(connection: asyncpg.Connection) -> list[StationBot]:
    """All of them, by id."""
    return [StationBot(**_fields(row)) for row in await connection.fetch(_BOTS, None)]


async def station_bot(connection: asyncpg.Connection, bot_id: str) -> StationBot | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_BOTS, bot_id)
    return None if row is None else StationBot(**_fields(row))
