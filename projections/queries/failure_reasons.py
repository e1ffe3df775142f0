"""Why do instances fail?"""

from datetime import datetime

import asyncpg
import msgspec

_QUERY = """
    SELECT split_part(error, ': ', 1) AS error_type, current_activity AS activity_id, count(*)::int AS count,
           (array_agg(error ORDER BY started_at DESC))[1] AS last_error, max(completed_at) AS last_at
    FROM process_instances
    WHERE status IN ('failed', 'timeout') AND definition_id = $1 AND started_at >= $2 AND started_at < $3
    GROUP BY 1, 2 ORDER BY count DESC, error_type, activity_id LIMIT $4
"""


class FailureReason(msgspec.Struct, frozen=True):
    """Instances that stand failed or timed out, by the error's type and where they stopped; ``last_error`` is one."""

    error_type: str
    activity_id: str | None
    count: int
    last_error: str
    last_at: datetime


async def failure_reasons(
    connection: asyncpg.Connection, definition_id: str, since: datetime, until: datetime, *, limit: int = 20
) -> list[FailureReason]:
    """Of instances that started in [``since``, ``until``), the most frequent first."""
    rows = await connection.fetch(_QUERY, definition_id, since, until, limit)
    return [FailureReason(**row) for row in rows]
