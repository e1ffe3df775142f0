"""What did all processes do, and what did one of them?  The figures of several questions together."""

from datetime import datetime

import asyncpg
import msgspec

from projections.queries.activities import ActivityStatistics, activities
from projections.queries.failure_reasons import FailureReason, failure_reasons
from projections.queries.statistics import ProcessStatistics, Statistics, statistics, statistics_of_each
from projections.queries.task_times import TaskTimes, task_times
from projections.queries.trends import Interval, Trend, trends

_PROCESSES = """
    SELECT count(*) AS total, count(*) FILTER (WHERE changed.off IS NOT TRUE
                                               AND (changed.id IS NULL OR changed.active IS NOT NULL)) AS active
    FROM (SELECT DISTINCT id FROM process_definitions) AS known LEFT JOIN definition_activations AS changed USING (id)
"""


class Overview(Statistics, frozen=True, kw_only=True):
    """Of all processes together; ``processes`` has the 100 of the most instances."""

    total_processes: int
    active_processes: int
    total_executions: int
    processes: list[ProcessStatistics]
    trends: list[Trend]


class ProcessAnalytics(ProcessStatistics, frozen=True, kw_only=True):
    """Of one process; ``failure_reasons`` are of its instances, errors that it caught stand with its ``activities``."""

    failure_reasons: list[FailureReason]
    activities: list[ActivityStatistics]
    tasks: list[TaskTimes]
    trends: list[Trend]


async def overview(
    connection: asyncpg.Connection,
    since: datetime,
    until: datetime,
    *,
    interval: Interval = "hour",
    within_ms: int | None = None,
) -> Overview:
    """Of instances that started from the hour of ``since`` on, in hours that began before ``until``."""
    found = await statistics(connection, since=since, until=until, within_ms=within_ms)
    processes = await connection.fetchrow(_PROCESSES)
    return Overview(
        **msgspec.structs.asdict(found),
        total_processes=processes["total"],
        active_processes=processes["active"],
        total_executions=found.execution_count,
        processes=await statistics_of_each(connection, since=since, until=until, within_ms=within_ms),
        trends=await trends(connection, since, until, interval=interval),
    )


async def process_analytics(
    connection: asyncpg.Connection,
    process_id: str,
    since: datetime,
    until: datetime,
    *,
    interval: Interval = "hour",
    within_ms: int | None = None,
) -> ProcessAnalytics:
    """The same of one definition; of activities that ended, and tasks that were created in that time."""
    found = await statistics(connection, definition_id=process_id, since=since, until=until, within_ms=within_ms)
    return ProcessAnalytics(
        **msgspec.structs.asdict(found),
        process_id=process_id,
        failure_reasons=await failure_reasons(connection, process_id, since, until),
        activities=await activities(connection, process_id, since, until),
        tasks=await task_times(connection, process_id, since, until),
        trends=await trends(connection, since, until, interval=interval, definition_id=process_id),
    )
