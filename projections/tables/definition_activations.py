"""``definition_activations``: one row a definition that somebody has activated or deactivated."""

from collections.abc import Sequence

import asyncpg

from projections.tables.base import Projection, Table
from streams.deployed import Activation, DeployedVersion

_UPSERT = """
    INSERT INTO definition_activations (id, active, off, reason, pruned, retired, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        active = excluded.active, off = excluded.off, reason = excluded.reason, pruned = excluded.pruned,
        retired = excluded.retired, changed_at = excluded.changed_at
"""
Row = tuple[object, ...]


def build(items: Sequence[DeployedVersion | Activation]) -> list[Row]:
    """The last record of each definition."""
    last = {item.id: item for item in items if isinstance(item, Activation)}
    return [
        (
            one.id,
            one.active,
            one.off is not None,
            None if one.off is None else one.off.reason,
            one.off is not None and one.off.pruned,
            one.retired,
            one.changed_at,
        )
        for one in last.values()
    ]


async def write(connection: asyncpg.Connection, rows: list[Row]) -> None:
    """Insert or replace.  There are few: a person, or a deployed folder, makes each."""
    for row in rows:
        await connection.execute(_UPSERT, *row)


TABLE = Table("definition_activations", "projected", Projection("definitions", build, write))
