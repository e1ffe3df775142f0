"""Where do the running instances of a version wait?"""

import asyncpg

_QUERY = """
    SELECT current_activity, count(*)::int AS instances FROM process_instances
    WHERE definition_id = $1 AND definition_version = $2 AND status IN ('running', 'suspended')
    GROUP BY current_activity ORDER BY current_activity
"""


async def waiting(connection: asyncpg.Connection, definition_id: str, version: int) -> dict[str, int]:
    """Instances by the activity at which they stand; those that have entered none yet are left out."""
    rows = await connection.fetch(_QUERY, definition_id, version)
    return {row["current_activity"]: row["instances"] for row in rows if row["current_activity"] is not None}
