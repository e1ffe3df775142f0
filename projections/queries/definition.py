"""What does this version of a definition say?"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from projections.queries.definitions import DefinitionSummary, summary

_VERSIONS = """
    SELECT d.id, d.version, d.name, d.hash, d.created_at, d.origin::text, a.off IS TRUE AS off, a.reason,
        CASE WHEN a.id IS NULL THEN d.version = max(d.version) OVER (PARTITION BY d.id)
             ELSE d.version IS NOT DISTINCT FROM a.active END AS active,
        coalesce(d.version = ANY (a.retired), false) AS retired,
        d.definition::text, d.source
    FROM process_definitions d LEFT JOIN definition_activations a USING (id)
    WHERE d.id = ANY ($1::text[])
"""
_QUERY = f"""
    SELECT * FROM ({_VERSIONS}) AS versions WHERE $2::int IS NULL OR version = $2
    ORDER BY active DESC, version DESC LIMIT 1
"""  # noqa: S608  a constant
_MANY = f"""
    SELECT * FROM ({_VERSIONS}) AS versions WHERE (id, version) IN (SELECT * FROM unnest($1::text[], $2::int[]))
"""  # noqa: S608  a constant


class Definition(DefinitionSummary, frozen=True, kw_only=True):
    """A deployed version with its content, and the text that somebody wrote, where that was deployed along."""

    definition: dict[str, Any]
    source: str | None = None


async def definition(
    connection: asyncpg.Connection, definition_id: str, version: int | None = None
) -> Definition | None:
    """That version, or the active one, else the newest; ``None`` when there is none."""
    row = await connection.fetchrow(_QUERY, [definition_id], version)
    return None if row is None else _of(row)


async def definitions_of(
    connection: asyncpg.Connection, versions: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Definition]:
    """These versions, by (id, version)."""
    rows = await connection.fetch(_MANY, [id_ for id_, _ in versions], [version for _, version in versions])
    return {(row["id"], row["version"]): _of(row) for row in rows}


def _of(row: asyncpg.Record) -> Definition:
    return Definition(**summary(row) | {"definition": msgspec.json.decode(row["definition"])})
