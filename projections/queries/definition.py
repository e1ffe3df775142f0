"""What does this version of a definition say?"""

from typing import Any

import asyncpg
import msgspec

from projections.queries.definitions import DefinitionSummary

_QUERY = """
    SELECT id, version, name, hash, created_at, definition::text FROM process_definitions
    WHERE id = $1 AND ($2::int IS NULL OR version = $2)
    ORDER BY version DESC LIMIT 1
"""


class Definition(DefinitionSummary, frozen=True):
    """A deployed version with its content."""

    definition: dict[str, Any]


async def definition(
    connection: asyncpg.Connection, definition_id: str, version: int | None = None
) -> Definition | None:
    """That version, or the newest; ``None`` when there is none."""
    row = await connection.fetchrow(_QUERY, definition_id, version)
    if row is None:
        return None
    return Definition(**dict(row) | {"definition": msgspec.json.decode(row["definition"])})
