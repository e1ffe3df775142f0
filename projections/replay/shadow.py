"""The shadow: a schema with the tables that the migrations make, empty at first, invisible to everybody else.

The projector's SQL names tables without a schema, so ``search_path`` alone decides which it writes.  It holds the
shadow's schema and nothing more: what is missing there is an error, never the live table.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg

import projections
import streams
from projections.errors import MigrationError, ReplayError
from projections.migrations import migrate
from projections.migrations.migrate import pending
from projections.tables import TABLES
from streams.core.clock import PlantClock
from streams.database import Database
from streams.transport.port import TopicPartition

SCHEMA = "weir_replay"
APPLICATION = "weir-replay"
PROJECTED = tuple(name for name, table in TABLES.items() if table.kind == "projected")
STATEMENT_TIMEOUT_S = 3600.0
"""Bounds the copying of old telemetry, which is one statement."""

_LIVE = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('projection_positions')"
_EXTENSION = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'timescaledb'"
_BEGIN = """
    INSERT INTO projection_positions (topic, topic_id, partition, position) VALUES ($1, $2, $3, 0)
    ON CONFLICT DO NOTHING
"""
_MARK = f"CREATE TABLE {SCHEMA}.replay AS SELECT $1::text AS fingerprint, now() AS began_at"


class Position(NamedTuple):
    """A row of ``projection_positions``."""

    tp: TopicPartition
    topic_id: str
    position: int


def shadow_database(url: str, connections: int) -> Database:
    """Connections that see the shadow only.

    A commit does not wait for the disk: rows and position are lost together, or not at all, and the swap's commit makes
    all of them durable.
    """
    settings = {"search_path": SCHEMA, "synchronous_commit": "off"}
    return Database(
        url,
        connections=connections,
        statement_timeout_s=STATEMENT_TIMEOUT_S,
        application=APPLICATION,
        server_settings=settings,
    )


def fingerprint_of(clock: PlantClock, feeds: Mapping[str, str], ids: Mapping[str, str | None]) -> str:
    """What a shadow's rows follow from, besides the log: the code, the clock, the topics.  Hexadecimal."""
    digest = hashlib.sha256(repr((clock, sorted(feeds.items()), sorted(ids.items()))).encode())
    for package in (projections, streams):
        root = Path(package.__path__[0])
        for file in sorted(file for file in root.rglob("*") if file.suffix in (".py", ".sql")):
            digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


async def live_schema(connection: asyncpg.Connection) -> str:
    """The schema of the live tables, quoted where it must be.  Raises ``MigrationError`` unless they are up to date."""
    if missing := await pending(connection):
        raise MigrationError(
            f"Expected live tables with the newest schema, but the database lacks {', '.join(missing)}. Run "
            "`weir migrate`, or start the projector of this Weir, then replay"
        )
    schema: str | None = await connection.fetchval(_LIVE)
    if schema is None:
        raise ReplayError(
            "Expected the table projection_positions, but it is not there though its migration was applied: was it "
            "dropped by hand? Make it anew with the statements of projections/migrations, then replay"
        )
    return schema


async def prepare(connection: asyncpg.Connection, fingerprint: str, *, restart: bool) -> bool:
    """Make the shadow, or find the one that an earlier run of the same ``fingerprint`` left; whether it was there.

    ``connection`` holds the replay's lock.  Raises ``ReplayError``.
    """
    if not restart and await connection.fetchval(f"SELECT to_regclass('{SCHEMA}.replay')") is not None:
        found = await connection.fetchval(f"SELECT fingerprint FROM {SCHEMA}.replay")  # noqa: S608  a constant
        if found == fingerprint:
            return True
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    await _make(connection, fingerprint)
    return False


async def positions_of(connection: asyncpg.Connection, schema: str) -> list[Position]:
    """The positions in the tables of ``schema``."""
    rows = await connection.fetch(f"SELECT topic, partition, topic_id, position FROM {schema}.projection_positions")  # noqa: S608
    return [Position(TopicPartition(topic, partition), topic_id, at) for topic, partition, topic_id, at in rows]


async def settle(connection: asyncpg.Connection, undeclared: Sequence[Position]) -> dict[TopicPartition, int]:
    """Wait until whatever still writes to the shadow has ended: the last batch of a killed run, for one.

    Returns the shadow's positions of ``undeclared``, partitions that the projector does not read; makes their rows.
    ``connection`` sees the shadow.
    """
    async with connection.transaction():
        await connection.execute("LOCK TABLE projection_positions IN EXCLUSIVE MODE")
        await connection.executemany(_BEGIN, [(one.tp.topic, one.topic_id, one.tp.partition) for one in undeclared])
        wanted = {one.tp for one in undeclared}
        return {one.tp: one.position for one in await positions_of(connection, SCHEMA) if one.tp in wanted}


async def analyze(connection: asyncpg.Connection) -> None:
    """Collect the statistics by which queries are planned, before anybody plans with the new tables."""
    await connection.execute(f"ANALYZE {', '.join(f'{SCHEMA}.{table}' for table in PROJECTED)}")


async def _make(connection: asyncpg.Connection, fingerprint: str) -> None:
    try:
        await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    except asyncpg.InsufficientPrivilegeError as error:
        raise ReplayError(
            f"Expected to make the schema {SCHEMA} for the new tables, but got: {error}. Let a superuser run GRANT "
            "CREATE ON DATABASE for this user"
        ) from error
    extension = await connection.fetchval(_EXTENSION)
    await connection.execute(f"SET search_path TO {SCHEMA}, {extension}")  # the extension's functions make hypertables
    try:
        await migrate(connection)
    finally:
        await connection.execute("RESET search_path")
    for table in PROJECTED:
        if await connection.fetchval(f"SELECT to_regclass('{SCHEMA}.{table}')") is None:
            raise ReplayError(
                f"Expected the migrations to make {SCHEMA}.{table}, but they did not: a migration must name its tables "
                "without a schema"
            )
    await connection.execute(_MARK, fingerprint)  # last: a shadow without it is not complete
