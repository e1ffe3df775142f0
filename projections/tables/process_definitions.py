"""``process_definitions``: one row a deployed version.

The topic is compacted and may bring the same version again: the newer record wins, as it does there.
"""

from collections.abc import Sequence

import asyncpg

from projections.feeds.definitions import Definition
from projections.tables.base import Projection, Table

_UPSERT = """
    INSERT INTO process_definitions (id, version, name, definition, hash, created_at)
    SELECT id, version, name, definition::jsonb, hash, created_at
    FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        AS new (id, version, name, definition, hash, created_at)
    ON CONFLICT (id, version) DO UPDATE SET
        name = excluded.name, definition = excluded.definition, hash = excluded.hash, created_at = excluded.created_at
"""


def build(items: Sequence[Definition]) -> list[Definition]:
    """The last record of each version: one statement cannot touch a row twice."""
    return list({(item.id, item.version): item for item in items}.values())


async def write(connection: asyncpg.Connection, rows: list[Definition]) -> None:
    """Insert or replace."""
    if rows:
        await connection.execute(
            _UPSERT,
            [row.id for row in rows],
            [row.version for row in rows],
            [row.name for row in rows],
            [bytes(row.definition).decode() for row in rows],
            [row.hash for row in rows],
            [row.deployed_at for row in rows],
        )


TABLE = Table("process_definitions", "projected", Projection("definitions", build, write))
