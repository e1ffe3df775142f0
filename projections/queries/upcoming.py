"""When does an instance go on by itself?"""

import asyncpg
from msgspec import structs

from projections.queries.instance import InstanceNow

QUERY = """
    WITH told AS (
        SELECT seq, event_type, data, data -> 'execution' AS execution, activity_id, token FROM process_history
        WHERE instance_id = $1 AND timestamp BETWEEN $2 AND $3
          AND event_type IN ('activity_started', 'timer_started', 'retry_scheduled', 'action_requested', 'timer_fired',
                             'activity_completed', 'activity_failed', 'activity_cancelled', 'error_caught',
                             'incident_created', 'resumed')
    ), last AS (
        SELECT DISTINCT ON (execution) seq, event_type, data FROM told
        WHERE event_type NOT IN ('activity_started', 'incident_created', 'resumed') ORDER BY execution, seq DESC
    ), coming AS (
        SELECT seq, data ->> 'due' AS due FROM last WHERE event_type IN ('timer_started', 'retry_scheduled')
        UNION ALL
        SELECT seq, data ->> 'timeout_at' FROM told
        WHERE event_type = 'activity_started' AND data ? 'timeout_at' AND data ->> 'activity_type' <> 'decision'
          AND NOT EXISTS (SELECT FROM told AS over
                          WHERE CASE over.event_type
                                WHEN 'incident_created' THEN over.seq > told.seq AND over.activity_id = told.activity_id
                                                             AND over.token IS NOT DISTINCT FROM told.token
                                ELSE over.execution = told.execution
                                 AND over.event_type IN ('activity_completed', 'activity_failed', 'activity_cancelled',
                                                         'error_caught', 'timer_fired') END)
    )
    SELECT min(due::timestamptz + interval '1 millisecond' * (
        SELECT coalesce(sum((data ->> 'shifted_ms')::bigint), 0) FROM told
        WHERE event_type = 'resumed' AND told.seq > coming.seq)) FROM coming
"""
"""What is to come of each run of an activity that is not over; later by as long as the instance stood still."""


async def upcoming(connection: asyncpg.Connection, found: InstanceNow) -> InstanceNow:
    """``found`` with its ``next_execution``, by its events so far.  What does not run has none."""
    if found.status != "running":
        return found
    at = await connection.fetchval(QUERY, found.id, found.started_at, found.updated_at)
    return found if at is None else structs.replace(found, next_execution=at)
