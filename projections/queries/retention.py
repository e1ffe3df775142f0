"""How far back do the rows of a table go, and how much room do they take?"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

_EXTENTS = """
    SELECT t.name AS table, hypertable_size(t.name::regclass) AS total_bytes,
           (SELECT min(range_start) FROM timescaledb_information.chunks
            WHERE hypertable_schema = current_schema() AND hypertable_name = t.name) AS since
    FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place) ORDER BY place
"""
_REMOVED = "SELECT kind, removed_before FROM retention"


class Extent(msgspec.Struct, frozen=True):
    """``since``: the beginning of the oldest chunk; ``None`` when there is none."""

    table: str
    total_bytes: int
    since: datetime | None


async def extents(connection: asyncpg.Connection, tables: Sequence[str]) -> list[Extent]:
    """Of hypertables, in that order."""
    return [Extent(**row) for row in await connection.fetch(_EXTENTS, list(tables))]


async def removed_before(connection: asyncpg.Connection) -> dict[str, datetime]:
    """By kind (history, telemetry, audit), up to when rows were removed for their age: ``projections.retention``."""
    return dict(await connection.fetch(_REMOVED))
