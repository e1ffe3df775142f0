"""How do things stand?  Instances by status, open tasks and incidents, by definition: what ``/metrics`` shows."""

import asyncpg
import msgspec

from streams.core.state import STATUSES

_COLUMNS = ", ".join(f"sum({status})::bigint AS {status}" for status in STATUSES)
_INSTANCES = f"SELECT definition_id, {_COLUMNS} FROM process_totals GROUP BY definition_id"  # noqa: S608  constants
_TASKS = """
    SELECT definition_id, status, count(*) AS count FROM tasks WHERE status IN ('created', 'claimed')
    GROUP BY definition_id, status
"""
_INCIDENTS = "SELECT definition_id, count(*) AS count FROM incidents WHERE resolved_at IS NULL GROUP BY definition_id"


class Standing(msgspec.Struct, frozen=True):
    """Counts; of a definition that has instances each status, so that a graph falls to zero."""

    instances: dict[tuple[str, str], int] = {}
    """By (definition, status)."""
    tasks: dict[tuple[str, str], int] = {}
    """Open ones, by (definition, status)."""
    incidents: dict[str, int] = {}
    """Open ones, by definition."""


async def standing(connection: asyncpg.Connection) -> Standing:
    """From the totals, and the partial indexes of what is open."""
    rows = await connection.fetch(_INSTANCES)
    return Standing(
        {(row["definition_id"], status): row[status] for row in rows for status in STATUSES},
        {(row["definition_id"], row["status"]): row["count"] for row in await connection.fetch(_TASKS)},
        {row["definition_id"]: row["count"] for row in await connection.fetch(_INCIDENTS)},
    )
