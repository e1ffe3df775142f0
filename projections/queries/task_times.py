"""How long do people take for the tasks of a process, and are they in time?"""

from datetime import datetime

import asyncpg
import msgspec

_QUERY = """
    SELECT activity_id, count(*) AS count, count(*) FILTER (WHERE status IN ('created', 'claimed')) AS open,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE late) AS late, count(*) FILTER (WHERE overdue) AS overdue,
           count(*) FILTER (WHERE NOT late)::double precision
               / nullif(count(late) + count(*) FILTER (WHERE overdue), 0) AS on_time_rate,
           avg(claim_ms)::double precision AS claim_avg_ms,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY claim_ms) AS claim_p50_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY claim_ms) AS claim_p95_ms,
           avg(work_ms)::double precision AS work_avg_ms,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY work_ms) AS work_p50_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY work_ms) AS work_p95_ms
    FROM (SELECT *, status IN ('created', 'claimed') AND due < $3 AS overdue FROM task_times) AS one
    WHERE definition_id = $1 AND created_at >= $2 AND created_at < $3
    GROUP BY activity_id ORDER BY count DESC, activity_id
"""


class TaskTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of an activity that were created in some time.

    ``late`` were completed behind their ``due``, ``overdue`` are open, and their ``due`` has passed; ``on_time_rate``
    is the share (0 to 1) of those completed in time, of all that were completed or are overdue and have a ``due``.
    ``claim``: from a task's creation until whoever has it took it, where nobody had it at first; ``work``: from then on
    until it was completed.  Exact, in ms.
    """

    activity_id: str
    count: int
    open: int
    completed: int
    cancelled: int
    late: int
    overdue: int
    on_time_rate: float | None
    claim_avg_ms: float | None
    claim_p50_ms: int | None
    claim_p95_ms: int | None
    work_avg_ms: float | None
    work_p50_ms: int | None
    work_p95_ms: int | None


async def task_times(
    connection: asyncpg.Connection, definition_id: str, since: datetime, until: datetime
) -> list[TaskTimes]:
    """Of tasks created in [``since``, ``until``), by activity; overdue as of ``until``."""
    return [TaskTimes(**row) for row in await connection.fetch(_QUERY, definition_id, since, until)]
