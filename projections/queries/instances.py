"""Which instances are there?  The newest first, page by page."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from streams.core.durations import instant
from streams.core.ids import check_instance_id, started_at_ms

COLUMNS = (
    "id, definition_id, definition_version, status, status_since, business_key, current_activity, error, steps,"
    " last_seq, started_at, updated_at, completed_at"
)


class InstanceSummary(msgspec.Struct, frozen=True):
    """An instance without its variables.  ``completed_at`` is when it ended in whichever way; times are plant time."""

    id: UUID
    definition_id: str
    definition_version: int
    status: str
    status_since: datetime | None
    business_key: str | None
    current_activity: str | None
    error: str | None
    steps: int
    last_seq: int
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None


async def instances(
    connection: asyncpg.Connection,
    *,
    status: str | None = None,
    definition_id: str | None = None,
    key: str | None = None,
    since: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[InstanceSummary]:
    """At most ``limit`` instances that meet all conditions, ordered by (started_at, id), the newest first.

    ``since``: started at or after that.  ``before``: the id of a page's last instance gives the next page, however many
    instances have started meanwhile.  Raises ``ValueError`` for a ``before`` that is no instance id.
    """
    wanted: list[tuple[str, Any]] = [
        ("status = {}", status),
        ("definition_id = {}", definition_id),
        ("business_key = {}", key),
        ("started_at >= {}", since),
    ]
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in wanted:
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    if before is not None:
        last = check_instance_id(before)
        values += [instant(started_at_ms(last)), UUID(last)]
        conditions.append(f"(started_at, id) < (${len(values) - 1}, ${len(values)})")
        conditions.append(f"started_at <= ${len(values) - 1}")  # the row comparison alone excludes no chunk
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    values.append(limit)
    order = f"ORDER BY started_at DESC, id DESC LIMIT ${len(values)}"
    query = f"SELECT {COLUMNS} FROM process_instances {where} {order}"  # noqa: S608  columns and numbers of parameters
    return [InstanceSummary(**row) for row in await connection.fetch(query, *values)]
