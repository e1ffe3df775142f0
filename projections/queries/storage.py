"""How much room does the database take, and which statements take its time?"""

import asyncpg
import msgspec

_TABLES = """
    SELECT c.relname AS name, coalesce(h.num_chunks, 0)::integer AS chunks,
           approximate_row_count(c.oid::regclass) AS rows_estimate,
           CASE WHEN h.hypertable_name IS NULL THEN pg_total_relation_size(c.oid) ELSE sizes.total END AS total_bytes,
           CASE WHEN h.hypertable_name IS NULL THEN pg_indexes_size(c.oid) ELSE sizes.indexes END AS index_bytes
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN timescaledb_information.hypertables AS h
        ON (h.hypertable_schema, h.hypertable_name) = (n.nspname, c.relname)
    LEFT JOIN LATERAL (
        SELECT sum(total_bytes)::bigint AS total, sum(index_bytes)::bigint AS indexes
        FROM hypertable_detailed_size(c.oid::regclass) WHERE h.hypertable_name IS NOT NULL
    ) AS sizes ON true
    WHERE n.nspname = current_schema() AND c.relkind = 'r'
    ORDER BY total_bytes DESC, name
"""
_SIZE = "SELECT pg_database_size(current_database())"
_HAS_STATEMENTS = "SELECT to_regclass('pg_stat_statements') IS NOT NULL"
_STATEMENTS = """
    SELECT coalesce(left(s.query, 2000), '') AS query, s.calls, s.rows, s.mean_exec_time AS avg_duration_ms,
           s.total_exec_time AS total_duration_ms
    FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid
    WHERE d.datname = current_database() ORDER BY s.total_exec_time DESC LIMIT $1
"""


class TableSize(msgspec.Struct, frozen=True):
    """``chunks`` is 0 for what is no hypertable; ``total_bytes`` holds ``index_bytes``.  Rows as last analysed."""

    name: str
    chunks: int
    rows_estimate: int
    total_bytes: int
    index_bytes: int


class Storage(msgspec.Struct, frozen=True):
    """Of the database: ``total_size_bytes`` holds its catalogue, too; the largest table first."""

    total_size_bytes: int
    tables: list[TableSize]


class SlowQuery(msgspec.Struct, frozen=True):
    """A statement, its constants replaced, since the server's statistics were last reset.

    ``query`` is PostgreSQL's "<insufficient privilege>" for those of other users, unless one may read them.
    """

    query: str
    calls: int
    rows: int
    avg_duration_ms: float
    total_duration_ms: float


async def storage(connection: asyncpg.Connection) -> Storage:
    """Sizes now."""
    tables = [TableSize(**row) for row in await connection.fetch(_TABLES)]
    return Storage(await connection.fetchval(_SIZE), tables)


async def slow_queries(connection: asyncpg.Connection, limit: int = 20) -> list[SlowQuery] | None:
    """Those that take most of the server's time; ``None`` where it does not count them (``pg_stat_statements``)."""
    if not await connection.fetchval(_HAS_STATEMENTS):
        return None
    try:
        return [SlowQuery(**row) for row in await connection.fetch(_STATEMENTS, limit)]
    except asyncpg.ObjectNotInPrerequisiteStateError:  # the extension is there, but the server was started without it
        return None
