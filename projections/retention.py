"""Removes rows that are older than the settings want them kept, chunk by chunk.

| setting | removes |
|---|---|
| ``WEIR_HISTORY_KEEP_DAYS`` | instances that ended longer ago: their events, rows, tasks and incidents |
| ``WEIR_TELEMETRY_KEEP_DAYS`` | readings of an earlier time |
| ``WEIR_AUDIT_KEEP_DAYS`` | requests of an earlier time |

A chunk of the history is a span of time, and an instance is kept whole until it has ended long enough ago: whatever a
chunk holds of the others is put back in the transaction that drops it.  Counts by hour stay for ever.  The topics are
not touched, so ``weir replay --projections`` brings back what they hold, until the next pass.

There is one pass at a time, and none beside a replay, which has the same lock.  ``drop_chunks`` is in both editions of
TimescaleDB; its retention policies, which know nothing of instances, are not.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import asyncpg

from projections.replay.replay import REPLAY_LOCK
from streams.core.durations import instant
from streams.settings import Settings

LOCK_TIMEOUT_S = 5.0
"""For how long the projector and readers are made to wait for a chunk that somebody reads; then it is the next pass's.
"""
Kind = Literal["history", "telemetry", "audit"]


class _Table(NamedTuple):
    """``where``: which rows of an old chunk stay all the same; none do where there is no such condition.

    ``also``: statements that remove what goes with the rows.  In all this SQL, $1 to $2 is the chunk's span of
    ``column``, and $3 since when what has ended is not too old.
    """

    name: str
    column: str
    where: str | None = None
    also: tuple[str, ...] = ()

    def statements(self) -> "_Statements":
        """What thins out a chunk."""
        table, column, where, _ = self
        chunk = f"{table} WHERE {column} >= $1 AND {column} < $2"
        return _Statements(
            has_expired=f"SELECT EXISTS (SELECT FROM {chunk} AND NOT {where})",  # noqa: S608  constants
            lock=f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE",
            make_kept=f"CREATE TEMPORARY TABLE kept (LIKE {table}) ON COMMIT DROP",
            fill_kept=f"INSERT INTO kept SELECT * FROM {chunk} AND {where}",  # noqa: S608  constants
            count=f"SELECT count(*) FROM {chunk}",  # noqa: S608  constants
            delete=f"DELETE FROM {chunk} AND NOT {where}",  # noqa: S608  constants
            put_back=f"INSERT INTO {table} SELECT * FROM kept",  # noqa: S608  constants
        )


@dataclass(frozen=True)
class _Statements:
    """Of a table whose chunks are thinned out.

    ``lock`` takes the hypertable, not only its chunk: a projector that waits has not chosen the chunk that is to go.
    """

    has_expired: str
    lock: str
    make_kept: str
    fill_kept: str
    count: str
    delete: str
    put_back: str


_EXPIRED_INSTANCES = "SELECT id FROM process_instances WHERE started_at >= $1 AND started_at < $2 AND completed_at < $3"
_OF_INSTANCES = tuple(
    f"DELETE FROM {table} WHERE instance_id IN ({_EXPIRED_INSTANCES})"  # noqa: S608  constants
    for table in ("tasks", "incidents")
)
"""What is no hypertable goes with the instance's row."""
_TABLES: dict[Kind, tuple[_Table, ...]] = {
    "history": (
        _Table(
            "process_history",
            "timestamp",
            "EXISTS (SELECT FROM process_instances AS i WHERE i.id = instance_id AND i.started_at < $2"
            " AND (i.completed_at IS NULL OR i.completed_at >= $3))",
        ),
        _Table("process_instances", "started_at", "(completed_at IS NULL OR completed_at >= $3)", _OF_INSTANCES),
    ),
    "telemetry": (_Table("telemetry", "time"),),
    "audit": (_Table("audit_log", "time"),),
}
"""The history goes before the instances, which tell what of it is kept."""
KINDS: dict[str, Kind] = {table.name: kind for kind, tables in _TABLES.items() for table in tables}
"""Tables whose rows may be removed, and what they count as."""
_CHUNKS = """
    SELECT range_start, range_end FROM timescaledb_information.chunks
    WHERE hypertable_schema = current_schema() AND hypertable_name = $1 AND range_end <= $2 ORDER BY range_start
"""
_DROP = "SELECT drop_chunks($1::text::regclass, older_than => $2::timestamptz, newer_than => $3::timestamptz)"
_MARK = """
    INSERT INTO retention AS old (kind, removed_before) VALUES ($1, $2)
    ON CONFLICT (kind) DO UPDATE SET removed_before = greatest(old.removed_before, excluded.removed_before)
"""


class BusyError(Exception):
    """A replay or another pass is at work, or somebody reads what would be removed: the next pass removes it."""


@dataclass(frozen=True)
class Removed:
    """Of a table: the ``chunks`` that held what was too old, and how many ``rows`` that were, where it had to be told
    apart.
    """

    table: str
    chunks: int
    rows: int | None


@dataclass(frozen=True)
class _Chunk:
    start: datetime
    end: datetime


def keep_days(settings: Settings) -> dict[Kind, int | None]:
    """How many days what is kept; ``None``: for ever."""
    return {
        "history": settings.history_keep_days,
        "telemetry": settings.telemetry_keep_days,
        "audit": settings.audit_keep_days,
    }


def limits_of(settings: Settings) -> dict[Kind, datetime]:
    """Before which instant rows are too old now, of each kind that is not kept for ever.

    Plant time, as the rows have it; of the audit the wall's.
    """
    wall_ms = time.time() * 1000
    now_ms: dict[Kind, float] = dict.fromkeys(_TABLES, settings.plant_clock.plant_ms(wall_ms)) | {"audit": wall_ms}
    return {
        kind: instant(round(now_ms[kind])) - timedelta(days=days)
        for kind, days in keep_days(settings).items()
        if days is not None
    }


async def remove_expired(connection: asyncpg.Connection, limits: Mapping[Kind, datetime]) -> list[Removed]:
    """Remove what is older than ``limits``, a transaction a chunk; returns what that was, by table.

    Raises ``BusyError`` and ``asyncpg.PostgresError``; what was removed until then is.
    """
    found = []
    for kind, before in limits.items():
        for table in _TABLES[kind]:
            chunks = await _expired(connection, table, before)
            rows = [await _remove(connection, kind, table, chunk, before) for chunk in chunks]
            if rows:
                found.append(Removed(table.name, len(rows), None if table.where is None else sum(rows)))
    return found


async def expired_chunks(connection: asyncpg.Connection, limits: Mapping[Kind, datetime]) -> dict[str, int]:
    """How many chunks of each table hold something that is older than ``limits``; of the tables that have a limit."""
    return {
        table.name: len(await _expired(connection, table, before))
        for kind, before in limits.items()
        for table in _TABLES[kind]
    }


async def _expired(connection: asyncpg.Connection, table: _Table, before: datetime) -> list[_Chunk]:
    """Chunks in which something is to be removed, the oldest first."""
    chunks = [_Chunk(*row) for row in await connection.fetch(_CHUNKS, table.name, before)]
    if table.where is None:
        return chunks
    query = table.statements().has_expired
    return [one for one in chunks if await connection.fetchval(query, one.start, one.end, before)]


async def _remove(connection: asyncpg.Connection, kind: Kind, table: _Table, chunk: _Chunk, before: datetime) -> int:
    """Returns how many rows, as far as they were counted."""
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {round(LOCK_TIMEOUT_S * 1000)}")
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", REPLAY_LOCK):
                raise BusyError("a replay, or the pass of another projector, is at work")
            if table.where is None:
                rows = 0
                await connection.execute(_DROP, table.name, chunk.end, chunk.start)
            else:
                rows = await _thin_out(connection, table, chunk, before)
            await connection.execute(_MARK, kind, before)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
        raise BusyError(f"{table.name} of {chunk.start:%Y-%m-%d} is in use") from error
    return rows


async def _thin_out(connection: asyncpg.Connection, table: _Table, chunk: _Chunk, before: datetime) -> int:
    """Remove from a chunk all but what is kept; returns how many rows.

    What is kept is put into a new chunk, unless it is most of the old one.
    """
    span, statements = (chunk.start, chunk.end, before), table.statements()
    await connection.execute(statements.lock)
    for statement in table.also:
        await connection.execute(statement, *span)
    await connection.execute(statements.make_kept)
    await connection.execute(statements.fill_kept, *span)
    kept = await connection.fetchval("SELECT count(*) FROM kept")
    expired: int = await connection.fetchval(statements.count, *span[:2]) - kept
    if expired < kept:
        await connection.execute(statements.delete, *span)
    else:
        await connection.execute(_DROP, table.name, chunk.end, chunk.start)
        await connection.execute(statements.put_back)
    return expired
