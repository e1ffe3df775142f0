"""How much is there?"""

import asyncpg
import msgspec

_INSTANCES = """
    SELECT definition_id, status, count(*) AS count FROM process_instances
    GROUP BY definition_id, status ORDER BY definition_id, status
"""
_EXACT = "SELECT (SELECT count(*) FROM process_history) AS history, (SELECT count(*) FROM telemetry) AS telemetry"
_ROUGH = "SELECT approximate_row_count('process_history') AS history, approximate_row_count('telemetry') AS telemetry"


class InstanceCount(msgspec.Struct, frozen=True):
    """How many instances of a definition have a status."""

    definition_id: str
    status: str
    count: int


class Counts(msgspec.Struct, frozen=True):
    """Rows of each table."""

    instances: list[InstanceCount]
    history_rows: int
    telemetry_rows: int


async def counts(connection: asyncpg.Connection, *, exact: bool = True) -> Counts:
    """Instances by definition and status, and rows of history and telemetry.

    Counting exactly reads an index of the whole table, about a second per ten million rows; otherwise rows are what the
    server estimated when it last analysed the tables.
    """
    found = [InstanceCount(**row) for row in await connection.fetch(_INSTANCES)]
    rows = await connection.fetchrow(_EXACT if exact else _ROUGH)
    return Counts(found, rows["history"], rows["telemetry"])
