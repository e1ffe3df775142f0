"""The station's people, groups, zones, bots and alerts.  Times are plant time."""

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
    ORDER BY id LIMIT $5
"""
_GROUPS = """
    SELECT id, name, metadata::text, created_at,
           ARRAY (SELECT user_id FROM group_members WHERE group_id = groups.id ORDER BY user_id) AS members
    FROM groups ORDER BY id
"""
_ZONES = """
    SELECT id, name, lat, lon, radius_m, polygon::text, margin_m, active, metadata::text, updated_at,
           ARRAY (SELECT user_id FROM zone_members WHERE zone_id = zones.id ORDER BY user_id) AS users
    FROM zones ORDER BY id
"""
_BOTS = "SELECT id, name, enabled, triggers::text, metadata::text, created_at FROM bots ORDER BY id"
_COLUMNS = (
    "id, key, severity, status, title, message, zone_id, user_id, data::text, created_at, created_by, "
    "acknowledged_at, acknowledged_by, resolved_at, resolved_by, note"
)
_ALERTS = f"""
    SELECT {_COLUMNS} FROM alerts
    WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR severity = $2)
      AND ($3::text IS NULL OR key = $3) AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5))
    ORDER BY created_at DESC, id DESC LIMIT $6
"""  # noqa: S608  the columns are constants
_ALERT = f"SELECT {_COLUMNS} FROM alerts WHERE id = $1"  # noqa: S608  the columns are constants


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


class StationAlert(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is what it is about: one alert a key is not resolved."""

    id: str
    key: str | None
    severity: str
    status: str
    title: str
    message: str | None
    zone_id: str | None
    user_id: str | None
    data: Any
    created_at: datetime
    created_by: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


class AlertPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where an alert stands among all: what comes behind it is older."""

    created_at: datetime
    id: str


_JSON = frozenset({"metadata", "polygon", "triggers", "data"})


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
    rows = await connection.fetch(_USERS, after, online, group, zone, limit)
    return [StationUser(**_fields(row)) for row in rows]


async def station_groups(connection: asyncpg.Connection) -> list[StationGroup]:
    """All of them, by id."""
    return [StationGroup(**_fields(row)) for row in await connection.fetch(_GROUPS)]


async def station_zones(connection: asyncpg.Connection) -> list[StationZone]:
    """All of them, by id."""
    return [StationZone(**_fields(row)) for row in await connection.fetch(_ZONES)]


async def station_bots(connection: asyncpg.Connection) -> list[StationBot]:
    """All of them, by id."""
    return [StationBot(**_fields(row)) for row in await connection.fetch(_BOTS)]


async def station_alerts(
    connection: asyncpg.Connection,
    *,
    status: str | None = None,
    severity: str | None = None,
    key: str | None = None,
    before: AlertPlace | None = None,
    limit: int = 50,
) -> list[StationAlert]:
    """Alerts, the newest first."""
    place = (None, None) if before is None else (before.created_at, before.id)
    rows = await connection.fetch(_ALERTS, status, severity, key, *place, limit)
    return [StationAlert(**_fields(row)) for row in rows]


async def station_alert(connection: asyncpg.Connection, alert_id: str) -> StationAlert | None:
    """One; ``None`` when there is none."""
    row = await connection.fetchrow(_ALERT, alert_id)
    return None if row is None else StationAlert(**_fields(row))
