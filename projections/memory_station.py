"""The simulated database's tables of the station's people, and what the intake asks of them (``streams.station``).

Of each row there are the columns that those statements read or write.  Zones, bots and groups are for whoever sets up a
test or a simulation; nobody changes a zone in here, so the lock on them is nobody's.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from streams.core.durations import instant_ms
from streams.station import intake, silence, sql

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]


@dataclass
class Tables:
    """Rows by their primary key; one of a single column is by its value."""

    station_positions: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) → position."""
    users: dict[str, Row] = field(default_factory=dict)
    positions: dict[str, Row] = field(default_factory=dict)
    zone_members: dict[tuple[str, str], Row] = field(default_factory=dict)
    """By zone and user."""
    messages: dict[str, Row] = field(default_factory=dict)
    zones: dict[str, Row] = field(default_factory=dict)
    bots: dict[str, Row] = field(default_factory=dict)
    group_members: set[tuple[str, str]] = field(default_factory=set)
    """(group, user)."""


def _table_is_there(_: "Session") -> list[Row]:
    return [{"to_regclass": "station_positions"}]


# ---- positions in the topics


async def _begin(session: "Session", topic: str, partition: int, position: int) -> list[Row]:
    await _insert(session, session.tables.station.station_positions, "station_positions", (topic, partition), position)
    return []


def _positions(session: "Session", topics: Sequence[str]) -> list[Row]:
    rows = session.rows(session.tables.station.station_positions)
    return [
        {"topic": topic, "partition": partition, "position": position}
        for (topic, partition), position in rows.items()
        if topic in topics
    ]


def _position(session: "Session", topic: str, partition: int) -> list[Row]:
    position = session.committed(session.tables.station.station_positions, (topic, partition))
    return [] if position is None else [{"position": position}]


async def _move(session: "Session", topic: str, partition: int, old: int, new: int) -> list[Row]:
    table, key = session.tables.station.station_positions, (topic, partition)
    if session.committed(table, key) != old:
        return []
    await session.lock(("station_positions", key))
    if table.get(key) != old:  # asked once more, of the row as it is after the wait
        return []
    session.change(table, key, new)
    return [{"bool": True}]


# ---- people


async def _register(session: "Session", ids: Sequence[str], now: datetime) -> list[Row]:
    made = []
    for user_id in sorted(ids):
        row = {"id": user_id, "name": user_id, "online": False, "seen_at": None, "registered_at": now}
        if await _insert(session, session.tables.station.users, "users", user_id, row):
            made.append({"id": user_id})
    return made


async def _lock_users(session: "Session", ids: Sequence[str]) -> list[Row]:
    for user_id in sorted(session.rows(session.tables.station.users).keys() & set(ids)):
        await session.lock(("users", user_id))
    return []


def _users(session: "Session", ids: Sequence[str]) -> list[Row]:
    members = session.tables.station.group_members
    rows = session.rows(session.tables.station.users)
    return [
        rows[user_id] | {"groups": sorted(group for group, member in members if member == user_id)}
        for user_id in sorted(set(ids) & rows.keys())
    ]


def _fixes(session: "Session", ids: Sequence[str]) -> list[Row]:
    rows = session.rows(session.tables.station.positions)
    return [rows[user_id] for user_id in ids if user_id in rows]


def _inside(session: "Session", ids: Sequence[str]) -> list[Row]:
    return [
        {"user_id": user_id, "zone_id": zone_id, "since_ms": instant_ms(row["since"])}
        for (zone_id, user_id), row in session.rows(session.tables.station.zone_members).items()
        if user_id in ids
    ]


async def _seen(session: "Session", ids: Sequence[str], moments: Sequence[datetime]) -> list[Row]:
    for user_id, moment in zip(ids, moments, strict=True):
        seen = await _user(session, user_id)
        latest = moment if seen["seen_at"] is None else max(moment, seen["seen_at"])
        session.change(session.tables.station.users, user_id, seen | {"online": True, "seen_at": latest})
    return []


async def _put_fixes(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    for user_id, lat, lon, accuracy_m, time in zip(*columns, strict=True):
        row = {"user_id": user_id, "lat": lat, "lon": lon, "accuracy_m": accuracy_m, "time": time}
        await session.lock(("positions", user_id))
        session.change(session.tables.station.positions, user_id, row)
    return []


async def _enter(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    for zone_id, user_id, since in zip(*columns, strict=True):
        row = {"zone_id": zone_id, "user_id": user_id, "since": since}
        await _insert(session, session.tables.station.zone_members, "zone_members", (zone_id, user_id), row)
    return []


async def _leave(session: "Session", zones: Sequence[str], users: Sequence[str]) -> list[Row]:
    table = session.tables.station.zone_members
    for key in zip(zones, users, strict=True):
        await session.lock(("zone_members", key))
        if key in table:
            session.remove(table, key)
    return []


_MESSAGE_COLUMNS = (
    "id", "direction", "kind", "user_id", "channel", "bot_id", "title", "text", "sender", "time",
)  # fmt: skip


async def _add_messages(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    for values in zip(*columns, strict=True):
        row = dict(zip(_MESSAGE_COLUMNS, values, strict=True))
        await _insert(session, session.tables.station.messages, "messages", row["id"], row)
    return []


def _known(session: "Session", ids: Sequence[str]) -> list[Row]:
    return [{"id": id_} for id_ in ids if id_ in session.rows(session.tables.station.messages)]


# ---- who is silent


def _silent(session: "Session", before: datetime, limit: int) -> list[Row]:
    """``SKIP LOCKED``: whoever is being written to is not silent."""
    rows = session.rows(session.tables.station.users)
    silent = sorted(user_id for user_id, row in rows.items() if row["online"] and row["seen_at"] < before)
    return [{"id": user_id} for user_id in silent if session.try_lock(("users", user_id))][:limit]


async def _offline(session: "Session", ids: Sequence[str]) -> list[Row]:
    for user_id in ids:
        row = await _user(session, user_id)
        session.change(session.tables.station.users, user_id, row | {"online": False})
    return []


async def _user(session: "Session", user_id: str) -> Row:
    """The row, locked."""
    await session.lock(("users", user_id))
    return session.tables.station.users[user_id]


async def _insert(session: "Session", table: dict[Any, Any], name: str, key: Any, row: Any) -> bool:
    """``ON CONFLICT DO NOTHING``: waits for what becomes of a row that another transaction has inserted."""
    if session.committed(table, key) is None:
        await session.lock((name, key))
        if key not in table:
            session.change(table, key, row)
            return True
    return False


def _nothing(_: "Session", __: int) -> list[Row]:
    return []


def _enabled_bots(session: "Session") -> list[Row]:
    return [row for _, row in sorted(session.tables.station.bots.items()) if row["enabled"]]


def _active_zones(session: "Session") -> list[Row]:
    return [row for _, row in sorted(session.tables.station.zones.items()) if row["active"]]


STATEMENTS: dict[str, Callable[..., list[Row] | Awaitable[list[Row]]]] = {
    intake.IS_THERE: _table_is_there,
    intake._BEGIN: _begin,  # noqa: SLF001
    intake._POSITIONS: _positions,  # noqa: SLF001
    intake._POSITION: _position,  # noqa: SLF001
    intake._MOVE: _move,  # noqa: SLF001
    intake._REGISTER: _register,  # noqa: SLF001
    intake._FIXES: _fixes,  # noqa: SLF001
    intake._INSIDE: _inside,  # noqa: SLF001
    intake._SEEN: _seen,  # noqa: SLF001
    intake._KNOWN: _known,  # noqa: SLF001
    intake._PUT_FIXES: _put_fixes,  # noqa: SLF001
    silence._SILENT: _silent,  # noqa: SLF001
    silence._OFFLINE: _offline,  # noqa: SLF001
    sql.SHARE_ZONES: _nothing,
    sql.ACTIVE_ZONES: _active_zones,
    sql.ENABLED_BOTS: _enabled_bots,
    sql._LOCK_USERS: _lock_users,  # noqa: SLF001
    sql._USERS: _users,  # noqa: SLF001
    sql._ENTER: _enter,  # noqa: SLF001
    sql._LEAVE: _leave,  # noqa: SLF001
    sql._ADD_MESSAGES: _add_messages,  # noqa: SLF001
}
"""By their text."""
