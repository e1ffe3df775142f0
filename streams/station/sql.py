"""The station in PostgreSQL.

An action's key is claimed in ``weir_done_actions`` first: a second worker that performs the same request at the same
time waits there for the first one's end, and gets its result.

Zones are looked at by whoever takes positions in (``intake``) and changed by ``put_zone``: the one holds a lock shared,
the other alone, so that nobody is judged by a zone that has just changed.  It comes before any lock on a row.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from streams.core.durations import instant, instant_ms
from streams.database import Database, is_transient
from streams.refusals import refusal
from streams.station.events import StationEvent
from streams.station.geometry import Circle, Polygon
from streams.station.model import Alert, Bot, Fix, Message, User, Zone
from streams.station.outbox import put_events
from streams.station.rows import alert_of, bot_of, fix_of, user_of, zone_of
from streams.station.tables import Change, StationUnavailableError, UnfitError

ZONES_LOCK = 0x5745_4952_0003
"""Any number that no other program uses: "WEIR", 3."""

_CLAIM = "INSERT INTO weir_done_actions (key) VALUES ($1) ON CONFLICT (key) DO NOTHING RETURNING true"
_DONE = "SELECT result::text FROM weir_done_actions WHERE key = $1"
_REMEMBER = "UPDATE weir_done_actions SET result = $2::text::jsonb WHERE key = $1"

_ALERT = """
    SELECT id, key, severity, status, title, message, zone_id, user_id, data::text, created_at, created_by,
           acknowledged_at, acknowledged_by, resolved_at, resolved_by, note
    FROM alerts
"""
_ALERT_OF_ID = _ALERT + "WHERE id = $1 FOR UPDATE"
_ALERT_OF_KEY = _ALERT + "WHERE key = $1 AND status <> 'resolved' FOR UPDATE"
_PUT_ALERT = """
    INSERT INTO alerts (id, key, severity, status, title, message, zone_id, user_id, data, created_at, created_by,
                        acknowledged_at, acknowledged_by, resolved_at, resolved_by, note)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (id) DO UPDATE SET
        severity = excluded.severity, status = excluded.status, title = excluded.title, message = excluded.message,
        zone_id = excluded.zone_id, user_id = excluded.user_id, data = excluded.data,
        acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by,
        resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by, note = excluded.note
"""
_LOCK_KEY = "SELECT pg_advisory_xact_lock(hashtextextended('alert:' || $1, 0))"

_ZONE = "SELECT id, name, lat, lon, radius_m, polygon::text, margin_m, active, metadata::text FROM zones"
_ZONE_OF_ID = _ZONE + " WHERE id = $1"
ACTIVE_ZONES = _ZONE + " WHERE active ORDER BY id"
_LOCK_ZONES = "SELECT pg_advisory_xact_lock($1)"
SHARE_ZONES = "SELECT pg_advisory_xact_lock_shared($1)"
_PUT_ZONE = """
    INSERT INTO zones (id, name, lat, lon, radius_m, polygon, margin_m, active, metadata)
    VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9::text::jsonb)
    ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, lat = excluded.lat, lon = excluded.lon, radius_m = excluded.radius_m,
        polygon = excluded.polygon, margin_m = excluded.margin_m, active = excluded.active,
        metadata = excluded.metadata, updated_at = now()
"""
_FIXES = "SELECT user_id, lat, lon, accuracy_m, time FROM positions"
_INSIDE = "SELECT user_id, since FROM zone_members WHERE zone_id = $1"
_ENTER = """
    INSERT INTO zone_members (zone_id, user_id, since)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT DO NOTHING
"""
_LEAVE = """
    DELETE FROM zone_members USING unnest($1::text[], $2::text[]) AS gone (zone_id, user_id)
    WHERE zone_members.zone_id = gone.zone_id AND zone_members.user_id = gone.user_id
"""
_USERS = """
    SELECT id, name, online, seen_at,
           ARRAY (SELECT group_id FROM group_members WHERE user_id = users.id ORDER BY group_id) AS groups
    FROM users WHERE id = ANY ($1::text[]) ORDER BY id
"""
_LOCK_USERS = "SELECT FROM users WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE"
_GROUP = "SELECT true FROM groups WHERE id = $1"
_MEMBERS = "SELECT user_id FROM group_members WHERE group_id = $1 ORDER BY user_id"
_JOIN = "INSERT INTO group_members (group_id, user_id, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_QUIT = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2"
_BOT = "SELECT id, name, enabled, triggers::text FROM bots"
_BOT_OF_ID = _BOT + " WHERE id = $1"
ENABLED_BOTS = _BOT + " WHERE enabled ORDER BY id"
_ADD_MESSAGES = """
    INSERT INTO messages (id, direction, kind, user_id, channel, bot_id, title, text, sender, time)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::timestamptz[])
    ON CONFLICT DO NOTHING
"""


class SqlStation:
    """``Station`` over connections of its own."""

    def __init__(self, url: str, *, connections: int = 4) -> None:
        self._url = url
        self._database = Database(url, connections=connections, application="weir-station")

    async def stop(self) -> None:
        """Drop the connections, which were made when they were needed."""
        self._database.close()

    async def once(self, key: str, action: str, change: Change) -> dict[str, Any]:  # noqa: ARG002  the key has it
        async with self._transaction() as connection:
            return await once(connection, key, change)

    async def look(self, change: Change) -> dict[str, Any]:
        async with self._transaction() as connection:
            return await change(SqlTables(connection))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            async with self._database.connection() as connection, connection.transaction():
                yield connection
        except asyncio.CancelledError:
            raise
        except asyncpg.UndefinedTableError as error:
            why = f"The database {self._database.place} has no station yet ({error}): start the projector, or run weir "
            raise StationUnavailableError(why + "migrate") from None
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise UnfitError(f"The database refuses a value: {error}") from None
        except Exception as error:
            if (refused := refusal(error, self._url)) is not None:
                raise StationUnavailableError(refused) from None
            if not is_transient(error):
                raise
            why = f"The database {self._database.place} is not available: {type(error).__name__}: {error}"
            raise StationUnavailableError(why) from None


async def once(connection: asyncpg.Connection, key: str, change: Change) -> dict[str, Any]:
    """The result of ``change``, made in this transaction unless it was made under ``key`` before."""
    if not await connection.fetchval(_CLAIM, key):
        done: dict[str, Any] = orjson.loads(await connection.fetchval(_DONE, key))
        return done
    result = await change(SqlTables(connection))
    await connection.execute(_REMEMBER, key, orjson.dumps(result).decode())
    return result


class SqlTables:
    """``Tables`` of a transaction on ``connection``."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def alert(self, alert_id: str) -> Alert | None:
        row = await self._connection.fetchrow(_ALERT_OF_ID, alert_id)
        return None if row is None else alert_of(row)

    async def open_alert(self, key: str) -> Alert | None:
        await self._connection.execute(_LOCK_KEY, key)  # of two that find none only one makes it
        row = await self._connection.fetchrow(_ALERT_OF_KEY, key)
        return None if row is None else alert_of(row)

    async def put_alert(self, alert: Alert) -> None:
        await self._connection.execute(
            _PUT_ALERT, alert.id, alert.key, alert.severity, alert.status, alert.title, alert.message, alert.zone_id,
            alert.user_id, _json(alert.data), instant(alert.created_ms), alert.created_by,
            _instant(alert.acknowledged_ms), alert.acknowledged_by, _instant(alert.resolved_ms), alert.resolved_by,
            alert.note,
        )  # fmt: skip

    async def zone(self, zone_id: str, *, change: bool = False) -> Zone | None:
        if change:
            await self._connection.execute(_LOCK_ZONES, ZONES_LOCK)
        row = await self._connection.fetchrow(_ZONE_OF_ID, zone_id)
        return None if row is None else zone_of(row)

    async def put_zone(self, zone: Zone) -> None:
        match zone.shape:
            case Circle(centre, radius_m):
                shape: tuple[Any, ...] = (centre.lat, centre.lon, radius_m, None)
            case Polygon(corners):
                shape = (None, None, None, _json([corner._asdict() for corner in corners]))
        await self._connection.execute(
            _PUT_ZONE, zone.id, zone.name, *shape, zone.margin_m, zone.active, _json(zone.metadata)
        )

    async def fixes(self) -> Mapping[str, Fix]:
        return {row["user_id"]: fix_of(row) for row in await self._connection.fetch(_FIXES)}

    async def inside(self, zone_id: str) -> Mapping[str, int]:
        return {row["user_id"]: instant_ms(row["since"]) for row in await self._connection.fetch(_INSIDE, zone_id)}

    async def enter(self, zone_id: str, since_ms: Mapping[str, int]) -> None:
        await enter_all(self._connection, [(zone_id, user_id, since) for user_id, since in since_ms.items()])

    async def leave(self, zone_id: str, user_ids: Iterable[str]) -> None:
        await leave_all(self._connection, [(zone_id, user_id) for user_id in user_ids])

    async def users(self, user_ids: Sequence[str], *, change: bool = False) -> Mapping[str, User]:
        return await users_of(self._connection, user_ids, change=change)

    async def members(self, group_id: str) -> list[str] | None:
        if not await self._connection.fetchval(_GROUP, group_id):
            return None
        return [row["user_id"] for row in await self._connection.fetch(_MEMBERS, group_id)]

    async def join(self, group_id: str, user_id: str, now_ms: int) -> None:
        await self._connection.execute(_JOIN, group_id, user_id, instant(now_ms))

    async def quit(self, group_id: str, user_id: str) -> None:
        await self._connection.execute(_QUIT, group_id, user_id)

    async def bot(self, bot_id: str) -> Bot | None:
        row = await self._connection.fetchrow(_BOT_OF_ID, bot_id)
        return None if row is None else bot_of(row)

    async def add_messages(self, messages: Sequence[Message]) -> None:
        await add_messages(self._connection, messages)

    async def emit(self, events: Sequence[StationEvent]) -> None:
        await put_events(self._connection, events)


async def enter_all(connection: asyncpg.Connection, entries: Sequence[tuple[str, str, int]]) -> None:
    """(zone, user, since) of those who are inside now."""
    if entries:
        zones, users, since = zip(*entries, strict=True)
        await connection.execute(_ENTER, zones, users, [instant(ms) for ms in since])


async def leave_all(connection: asyncpg.Connection, exits: Sequence[tuple[str, str]]) -> None:
    """(zone, user) of those who are not inside any more."""
    if exits:
        zones, users = zip(*exits, strict=True)
        await connection.execute(_LEAVE, zones, users)


async def add_messages(connection: asyncpg.Connection, messages: Sequence[Message]) -> None:
    """A message that is there already stays as it is."""
    if messages:
        rows = [
            (one.id, one.direction, one.kind, one.user_id, one.channel, one.bot_id, one.title, one.text, one.sender,
             instant(one.time_ms))
            for one in messages
        ]  # fmt: skip
        await connection.execute(_ADD_MESSAGES, *zip(*rows, strict=True))


async def users_of(connection: asyncpg.Connection, user_ids: Sequence[str], *, change: bool = False) -> dict[str, User]:
    """Those that are known; with ``change`` their rows are locked, in the order of their ids."""
    if change:
        await connection.execute(_LOCK_USERS, list(user_ids))
    return {row["id"]: user_of(row) for row in await connection.fetch(_USERS, list(user_ids))}


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _instant(ms: int | None) -> Any:
    return None if ms is None else instant(ms)
