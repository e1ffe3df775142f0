"""What belongs to many instances at once: one statement each, however many they are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from projections.queries.history import HistoryEvent
from projections.queries.incidents import COLUMNS as INCIDENT_COLUMNS
from projections.queries.incidents import Incident
from projections.queries.instance import Instance
from projections.queries.instance import summary as instance_of
from projections.queries.instances import COLUMNS as INSTANCE_COLUMNS
from projections.queries.tasks import COLUMNS as TASK_COLUMNS
from projections.queries.tasks import TaskSummary
from projections.queries.tasks import summary as task_of
from streams.core.durations import instant
from streams.core.ids import started_at_ms

_INSTANCES = f"""
    SELECT {INSTANCE_COLUMNS}, steps_completed, variables::text, trigger::text
    FROM process_instances WHERE id = ANY ($1::uuid[]) AND started_at BETWEEN $2 AND $3
"""  # noqa: S608  the columns are constants
_TASKS = f"""
    SELECT {TASK_COLUMNS} FROM (
        SELECT *, row_number() OVER (PARTITION BY instance_id ORDER BY created_at DESC, id DESC) AS number
        FROM tasks
        WHERE instance_id = ANY ($1::uuid[]) AND (
            $3::text IS NULL OR $3 IN (assignee, owner, completed_by) OR candidate_users @> ARRAY[$3]
            OR approvers @> ARRAY[$3] OR votes ? $3 OR candidate_groups && $4::text[]
            OR (assignee IS NULL
                AND cardinality(candidate_users) + cardinality(candidate_groups) + cardinality(approvers) = 0)
        )
    ) AS numbered
    WHERE number <= $2 ORDER BY created_at DESC, id DESC
"""  # noqa: S608  the columns are constants
_INCIDENTS = f"""
    SELECT {INCIDENT_COLUMNS} FROM (
        SELECT *, row_number() OVER (PARTITION BY instance_id ORDER BY created_at DESC, seq DESC) AS number
        FROM incidents WHERE instance_id = ANY ($1::uuid[]) AND (resolved_at IS NULL OR NOT $3)
    ) AS numbered
    WHERE number <= $2 ORDER BY created_at DESC, seq DESC
"""  # noqa: S608  the columns are constants
_HISTORIES = """
    SELECT asked.id AS instance_id, event.*
    FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS asked (id, began, until)
    CROSS JOIN LATERAL (
        SELECT seq, timestamp, event_type, activity_id, message, data::text, definition_id, definition_version, cause,
               token
        FROM process_history
        WHERE instance_id = asked.id AND timestamp BETWEEN asked.began AND asked.until
            AND timestamp BETWEEN $4 AND $5 AND seq > $6 AND ($7::text[] IS NULL OR event_type = ANY ($7))
        ORDER BY seq LIMIT $8
    ) AS event
    ORDER BY asked.id, event.seq
"""


async def instances_of(connection: asyncpg.Connection, ids: Sequence[UUID]) -> dict[UUID, Instance]:
    """The instances, by id."""
    began = [_began(one) for one in ids]
    rows = await connection.fetch(_INSTANCES, ids, min(began), max(began))
    return {row["id"]: instance_of(row) for row in rows}


async def tasks_of(
    connection: asyncpg.Connection,
    ids: Sequence[UUID],
    limit: int,
    user: str | None = None,
    groups: Sequence[str] = (),
) -> dict[UUID, list[TaskSummary]]:
    """At most ``limit`` tasks of each, the newest first.

    With ``user``: those that are for the user or one of these groups, or for anybody; also what the user has done.
    """
    found: dict[UUID, list[TaskSummary]] = {}
    for row in await connection.fetch(_TASKS, ids, limit, user, list(groups)):
        found.setdefault(row["instance_id"], []).append(task_of(row))
    return found


async def incidents_of(
    connection: asyncpg.Connection, ids: Sequence[UUID], limit: int, *, open_only: bool = False
) -> dict[UUID, list[Incident]]:
    """At most ``limit`` incidents of each, the newest first."""
    found: dict[UUID, list[Incident]] = {}
    for row in await connection.fetch(_INCIDENTS, ids, limit, open_only):
        found.setdefault(row["instance_id"], []).append(Incident(**row))
    return found


async def histories_of(
    connection: asyncpg.Connection,
    until: dict[UUID, datetime],
    *,
    after_seq: int,
    limit: int,
    types: Sequence[str] | None,
) -> dict[UUID, list[HistoryEvent]]:
    """At most ``limit`` events of each with a ``seq`` above ``after_seq``, in order.

    ``until``: by instance, its ``updated_at``: only the chunks of these times are looked at.
    """
    began = [_began(one) for one in until]
    rows = await connection.fetch(
        _HISTORIES, list(until), began, list(until.values()), min(began), max(until.values()), after_seq, types, limit
    )
    found: dict[UUID, list[HistoryEvent]] = {}
    for row in rows:
        columns = dict(row) | {"data": msgspec.json.decode(row["data"])}
        found.setdefault(columns.pop("instance_id"), []).append(HistoryEvent(**columns))
    return found


def _began(instance: UUID) -> datetime:
    return instant(started_at_ms(str(instance)))
