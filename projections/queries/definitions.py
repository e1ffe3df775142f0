"""Which definitions are deployed?"""

from datetime import datetime

import asyncpg
import msgspec

_QUERY = "SELECT id, version, name, hash, created_at FROM process_definitions ORDER BY id, version DESC"


class DefinitionSummary(msgspec.Struct, frozen=True):
    """A deployed version; ``created_at`` is when it was deployed."""

    id: str
    version: int
    name: str
    hash: str
    created_at: datetime


async def definitions(connection: asyncpg.Connection) -> list[DefinitionSummary]:
    """All versions, by id, the newest version first."""
    return [DefinitionSummary(**row) for row in await connection.fetch(_QUERY)]
