"""How did it go, hour by hour or day by day?"""

from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

Interval = Literal["hour", "day"]
_QUERY = """
    SELECT date_trunc($4, hour, 'UTC') AS time,
           sum(running + suspended + completed + failed + cancelled + timeout)::bigint AS started,
           sum(completed)::bigint AS completed, sum(failed + timeout)::bigint AS failed,
           sum(duration_ms)::double precision / nullif(sum(completed), 0) AS avg_execution_time
    FROM process_rollups
    WHERE ($1::text IS NULL OR definition_id = $1) AND hour >= date_trunc('hour', $2::timestamptz, 'UTC')
      AND hour < $3::timestamptz
    GROUP BY 1 ORDER BY 1
"""


class Trend(msgspec.Struct, frozen=True):
    """Instances that started in the hour or the day (UTC) that begins at ``time``, and what has become of them."""

    time: datetime
    started: int
    completed: int
    failed: int
    avg_execution_time: float | None


async def trends(
    connection: asyncpg.Connection,
    since: datetime,
    until: datetime,
    *,
    interval: Interval = "hour",
    definition_id: str | None = None,
) -> list[Trend]:
    """Hours or days in which something started, in order; from the rollups."""
    return [Trend(**row) for row in await connection.fetch(_QUERY, definition_id, since, until, interval)]
