"""How often do the activities of a process complete or fail, why, and how long do they take?  From the rollups."""

from collections import defaultdict
from datetime import datetime

import asyncpg
import msgspec

from projections.queries.statistics import percentile

_WHERE = """
    definition_id = $1 AND hour >= date_trunc('hour', $2::timestamptz, 'UTC') AND hour < $3::timestamptz
"""
_COUNTS = f"""
    SELECT activity_id, sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
           sum(cancelled)::bigint AS cancelled, sum(skipped)::bigint AS skipped, sum(retries)::bigint AS retries,
           sum(duration_ms)::double precision AS duration_ms
    FROM activity_rollups WHERE {_WHERE}
    GROUP BY activity_id ORDER BY sum(completed + failed + cancelled + skipped) DESC, activity_id
"""  # noqa: S608  constants
_DURATIONS = f"""
    SELECT activity_id, ms, sum(count)::bigint AS count
    FROM activity_rollups, unnest(durations, duration_counts) AS each (ms, count)
    WHERE {_WHERE} GROUP BY activity_id, ms ORDER BY activity_id, ms
"""  # noqa: S608  constants
_ERRORS = f"""
    SELECT activity_id, error_type, sum(count)::bigint AS count
    FROM activity_rollups, unnest(error_types, error_counts) AS each (error_type, count)
    WHERE {_WHERE} GROUP BY activity_id, error_type ORDER BY sum(count) DESC, error_type
"""  # noqa: S608  constants


class ErrorCount(msgspec.Struct, frozen=True):
    """So many have failed with an error of that type."""

    error_type: str
    count: int


class ActivityStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Executions of an activity that ended in some time.

    ``failed`` counts those that failed after all attempts, whether the process caught that or not; ``retries`` are
    attempts beyond the first.  ``failure_rate`` is the share (0 to 1) of failed ones among completed and failed ones;
    durations are those of completed ones in ms, exact on average, percentiles within 5 %; ``None`` where there is none.
    """

    activity_id: str
    completed: int
    failed: int
    cancelled: int
    skipped: int
    retries: int
    failure_rate: float | None
    avg_ms: float | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    errors: list[ErrorCount]


async def activities(
    connection: asyncpg.Connection, definition_id: str, since: datetime, until: datetime
) -> list[ActivityStatistics]:
    """Of one definition, from the hour of ``since`` on, in hours that began before ``until``; the busiest first."""
    asked = (definition_id, since, until)
    durations: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in await connection.fetch(_DURATIONS, *asked):
        durations[row["activity_id"]].append((row["ms"], row["count"]))
    errors: defaultdict[str, list[ErrorCount]] = defaultdict(list)
    for row in await connection.fetch(_ERRORS, *asked):
        errors[row["activity_id"]].append(ErrorCount(row["error_type"], row["count"]))
    return [
        _statistics(row, durations[row["activity_id"]], errors[row["activity_id"]])
        for row in await connection.fetch(_COUNTS, *asked)
    ]


def _statistics(row: asyncpg.Record, durations: list[tuple[int, int]], errors: list[ErrorCount]) -> ActivityStatistics:
    counts = dict(row)
    duration_ms, known = counts.pop("duration_ms"), sum(count for _, count in durations)
    ended = row["completed"] + row["failed"]
    return ActivityStatistics(
        **counts,
        failure_rate=row["failed"] / ended if ended else None,
        avg_ms=duration_ms / known if known else None,
        p50_ms=percentile(durations, 0.50),
        p95_ms=percentile(durations, 0.95),
        p99_ms=percentile(durations, 0.99),
        errors=errors,
    )
