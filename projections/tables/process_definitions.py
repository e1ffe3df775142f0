"""``process_definitions``: one row a deployed version.

The topic is compacted and may bring the same version again: the newer record wins, as it does there.
"""

from collections.abc import Sequence

import asyncpg
import msgspec

from projections.tables.base import Projection, Table
from streams.deployed import Activation, DeployedVersion

_UPSERT = """
    INSERT INTO process_definitions (id, version, name, definition, hash, created_at, source, origin)
    SELECT id, version, name, definition::jsonb, hash, created_at, source, origin::jsonb
    FROM unnest(
        $1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[]
    ) AS new (id, version, name, definition, hash, created_at, source, origin)
    ON CONFLICT (id, version) DO UPDATE SET
        name = excluded.name, definition = excluded.definition, hash = excluded.hash,
        created_at = excluded.created_at, source = excluded.source, origin = excluded.origin
"""


def build(items: Sequence[DeployedVersion | Activation]) -> list[DeployedVersion]:
    """The last record of each version: one statement cannot touch a row twice."""
    return list({(item.id, item.version): item for item in items if isinstance(item, DeployedVersion)}.values())


async def write(connection: asyncpg.Connection, rows: list[DeployedVersion]) -> None:
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
            [row.source for row in rows],
            [None if row.origin is None else msgspec.json.encode(row.origin).decode() for row in rows],
        )


TABLE = Table("process_definitions", "projected", Projection("definitions", build, write))
