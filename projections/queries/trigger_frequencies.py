"""What sets processes off, and how often?"""

from collections import Counter
from datetime import datetime

import asyncpg
import msgspec

from projections.queries.trends import Interval

QUERY = """
    SELECT date_trunc($4, started_at, 'UTC') AS time,
           CASE trigger ->> 'type' WHEN 'api' THEN 'manual' WHEN 'timer' THEN 'time_schedule'
                ELSE coalesce(trigger ->> 'type', 'manual') END AS trigger_type,
           count(*) AS count, max(started_at) AS last_at
    FROM process_instances
    WHERE ($1::text IS NULL OR definition_id = $1) AND started_at >= $2 AND started_at < $3
    GROUP BY 1, 2 ORDER BY 1, 2
"""
"""As the view ``trigger_frequencies`` names them; that would read all chunks."""


class TriggerCount(msgspec.Struct, frozen=True):
    """How often a type of trigger has started an instance, and when it did last."""

    trigger_type: str
    count: int
    last_at: datetime


class TriggerTrend(msgspec.Struct, frozen=True):
    """The same in the hour or the day (UTC) that begins at ``time``."""

    time: datetime
    trigger_type: str
    count: int


class TriggerFrequencies(msgspec.Struct, frozen=True):
    """``triggers``: the most frequent first; ``trends``: hours or days in which something started, in order."""

    total: int
    triggers: list[TriggerCount]
    trends: list[TriggerTrend]


async def trigger_frequencies(
    connection: asyncpg.Connection,
    since: datetime,
    until: datetime,
    *,
    interval: Interval = "hour",
    definition_id: str | None = None,
) -> TriggerFrequencies:
    """Of instances that started in [``since``, ``until``): all of them are looked at."""
    rows = await connection.fetch(QUERY, definition_id, since, until, interval)
    counts: Counter[str] = Counter()
    last: dict[str, datetime] = {}
    for row in rows:
        name = row["trigger_type"]
        counts[name] += row["count"]
        last[name] = row["last_at"]
    triggers = [TriggerCount(name, count, last[name]) for name, count in sorted(counts.items(), key=_most_first)]
    trends = [TriggerTrend(row["time"], row["trigger_type"], row["count"]) for row in rows]
    return TriggerFrequencies(counts.total(), triggers, trends)


def _most_first(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]
