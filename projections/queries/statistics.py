"""How many instances are in which status, and how long did they take?  From the rollups alone, by hour of the start."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from streams.core.state import STATUSES

_COLUMNS = ", ".join(f"coalesce(sum({status}), 0)::bigint AS {status}" for status in STATUSES)
_WHERE = """
    ($1::text IS NULL OR definition_id = $1) AND ($2::timestamptz IS NULL OR hour >= date_trunc('hour', $2, 'UTC'))
    AND ($3::timestamptz IS NULL OR hour < $3)
"""
_COUNTS = f"""
    SELECT {_COLUMNS}, coalesce(sum(duration_ms), 0)::bigint AS duration_ms FROM process_rollups WHERE {_WHERE}
"""  # noqa: S608  the columns are constants
_DURATIONS = f"""
    SELECT ms, sum(count)::bigint AS count FROM process_rollups, unnest(durations, duration_counts) AS each (ms, count)
    WHERE {_WHERE} GROUP BY ms ORDER BY ms
"""  # noqa: S608  constants
_COUNTS_EVER = f"""
    SELECT {_COLUMNS}, coalesce(sum(duration_ms), 0)::bigint AS duration_ms FROM process_totals
    WHERE $1::text IS NULL OR definition_id = $1
"""  # noqa: S608  the columns are constants
_DURATIONS_EVER = """
    SELECT ms, sum(count)::bigint AS count FROM process_totals, unnest(durations, duration_counts) AS each (ms, count)
    WHERE $1::text IS NULL OR definition_id = $1 GROUP BY ms ORDER BY ms
"""
_COUNTS_OF_EACH = f"""
    SELECT definition_id, {_COLUMNS}, sum(duration_ms)::bigint AS duration_ms FROM process_rollups WHERE {_WHERE}
    GROUP BY definition_id ORDER BY sum(running + suspended + completed + failed + cancelled + timeout) DESC, 1 LIMIT $4
"""  # noqa: S608  the columns are constants
_DURATIONS_OF_EACH = f"""
    SELECT definition_id, ms, sum(count)::bigint AS count
    FROM process_rollups, unnest(durations, duration_counts) AS each (ms, count)
    WHERE {_WHERE} AND definition_id = ANY ($4::text[]) GROUP BY definition_id, ms ORDER BY ms
"""  # noqa: S608  constants


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Of the instances that started in some time.

    ``success_rate`` is the share (0 to 1) of completed ones among those that ended, but for cancelled ones; durations
    are those of completed ones in ms, exact on average, percentiles within 5 %.  ``within_sla`` is the share of those
    that ended which completed in the time that was asked for; ``None`` without one, as all shares of nothing.
    """

    execution_count: int
    running: int
    suspended: int
    completed: int
    failed: int
    cancelled: int
    timeout: int
    success_rate: float | None
    avg_execution_time: float | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    within_sla: float | None


class ProcessStatistics(Statistics, frozen=True, kw_only=True):
    """Of one definition."""

    process_id: str


async def statistics(
    connection: asyncpg.Connection,
    *,
    definition_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    within_ms: int | None = None,
) -> Statistics:
    """Of one definition or all; started from the hour of ``since`` on, and in hours that began before ``until``."""
    if since is None and until is None:
        counts = await connection.fetchrow(_COUNTS_EVER, definition_id)
        rows = await connection.fetch(_DURATIONS_EVER, definition_id)
    else:
        counts = await connection.fetchrow(_COUNTS, definition_id, since, until)
        rows = await connection.fetch(_DURATIONS, definition_id, since, until)
    durations = [(row["ms"], row["count"]) for row in rows]
    return Statistics(**_figures(counts, durations, within_ms))


async def statistics_of_each(
    connection: asyncpg.Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    within_ms: int | None = None,
    limit: int = 100,
) -> list[ProcessStatistics]:
    """The same of each definition of which something started then, those of the most instances first."""
    rows = await connection.fetch(_COUNTS_OF_EACH, None, since, until, limit)
    durations: dict[str, list[tuple[int, int]]] = {row["definition_id"]: [] for row in rows}
    for row in await connection.fetch(_DURATIONS_OF_EACH, None, since, until, list(durations)):
        durations[row["definition_id"]].append((row["ms"], row["count"]))
    return [
        ProcessStatistics(process_id=id_, **_figures(row, durations[id_], within_ms))
        for row in rows
        for id_ in (row["definition_id"],)
    ]


def _figures(counts: asyncpg.Record, durations: list[tuple[int, int]], within_ms: int | None) -> dict[str, Any]:
    completed, ended = counts["completed"], counts["completed"] + counts["failed"] + counts["timeout"]
    in_time = None if within_ms is None else sum(count for ms, count in durations if ms <= within_ms)
    return {
        "execution_count": sum(counts[status] for status in STATUSES),
        **{status: counts[status] for status in STATUSES},
        "success_rate": completed / ended if ended else None,
        "avg_execution_time": counts["duration_ms"] / completed if completed else None,
        "p50_ms": percentile(durations, 0.50),
        "p95_ms": percentile(durations, 0.95),
        "p99_ms": percentile(durations, 0.99),
        "within_sla": in_time / ended if ended and in_time is not None else None,
    }


def percentile(durations: list[tuple[int, int]], share: float) -> int | None:
    """The smallest of ``durations`` (ms, how many; ascending) that ``share`` of them do not exceed (nearest rank)."""
    needed, passed = share * sum(count for _, count in durations), 0
    for ms, count in durations:
        passed += count
        if passed >= needed:
            return ms
    return None
