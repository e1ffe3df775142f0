"""Which definitions are deployed, and which version starts instances?"""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

_QUERY = """
    SELECT d.id, d.version, d.name, d.hash, d.created_at, d.origin::text, a.off IS TRUE AS off, a.reason,
        CASE WHEN a.id IS NULL THEN d.version = max(d.version) OVER (PARTITION BY d.id)
             ELSE d.version IS NOT DISTINCT FROM a.active END AS active,
        coalesce(d.version = ANY (a.retired), false) AS retired
    FROM process_definitions d LEFT JOIN definition_activations a USING (id)
    ORDER BY d.id, d.version DESC
"""


class DefinitionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed version; ``created_at`` is when it was deployed.

    ``active``: it starts instances; ``off``: no version does, for that ``reason``; ``retired``: it does not even where
    it is asked for.
    """

    id: str
    version: int
    name: str
    hash: str
    created_at: datetime
    origin: dict[str, Any] | None = None
    active: bool
    off: bool
    reason: str | None = None
    retired: bool


def summary(row: asyncpg.Record) -> dict[str, Any]:
    """The columns of a row, its JSON decoded."""
    origin = row["origin"]
    return dict(row) | {"origin": None if origin is None else msgspec.json.decode(origin)}


async def definitions(connection: asyncpg.Connection) -> list[DefinitionSummary]:
    """All versions, by id, the newest version first."""
    return [DefinitionSummary(**summary(row)) for row in await connection.fetch(_QUERY)]
