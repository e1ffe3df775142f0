"""How did it go, hour by hour or day by day?"""

from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

Interval = Literal["hour", "day"]
_QUERY = """
    WITH asked AS (
        SELECT *, date_trunc($4, hour, 'UTC') AS time FROM process_rollups
        WHERE ($1::text IS NULL OR definition_id = $1) AND hour >= date_trunc('hour', $2::timestamptz, 'UTC')
          AND hour < $3::timestamptz
    ), lasted AS (
        SELECT time, ms, sum(sum(count)) OVER (PARTITION BY time ORDER BY ms) AS up_to,
               sum(sum(count)) OVER (PARTITION BY time) AS count
        FROM asked, unnest(durations, duration_counts) AS each (ms, count) GROUP BY time, ms
    ), percentiles AS (
        SELECT time, min(ms) FILTER (WHERE up_to >= 0.50 * count) AS p50_ms,
               min(ms) FILTER (WHERE up_to >= 0.95 * count) AS p95_ms
        FROM lasted GROUP BY time
    )
    SELECT time, sum(running + suspended + completed + failed + cancelled + timeout)::bigint AS started,
           sum(completed)::bigint AS completed, sum(failed + timeout)::bigint AS failed,
           sum(duration_ms)::double precision / nullif(sum(completed), 0) AS avg_execution_time, p50_ms, p95_ms
    FROM asked LEFT JOIN percentiles USING (time) GROUP BY time, p50_ms, p95_ms ORDER BY time
"""


class Trend(msgspec.Struct, frozen=True):
    """Instances that started in the hour or the day (UTC) that begins at ``time``, and what has become of them.

    Durations are those of completed ones in ms, percentiles within 5 %.
    """

    time: datetime
    started: int
    completed: int
    failed: int
    avg_execution_time: float | None
    p50_ms: int | None
    p95_ms: int | None


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
