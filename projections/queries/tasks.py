"""What is there to do, and for whom?  The most urgent first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

COLUMNS = (
    "id, instance_id, activity_id, definition_id, definition_version, title, status, assignee, owner, candidate_users,"
    " candidate_groups, queue, priority, due, approvers, votes::text, outcome, escalation_level, created_at,"
    " claimed_at, completed_at, completed_by"
)
OPEN = (
    "status IN ('created', 'claimed') AND EXISTS (SELECT FROM process_instances AS i WHERE i.id = instance_id"
    " AND i.started_at = tasks.started_at AND i.status IN ('running', 'suspended'))"
)
"""A failed instance holds its tasks until it is retried; nobody can do them meanwhile."""
Status = Literal["open", "created", "claimed", "completed", "cancelled", "all"]


class TaskSummary(msgspec.Struct, frozen=True):
    """A task without its form and answers.  ``votes`` are the answers of several approvers so far, by user."""

    id: str
    instance_id: UUID
    activity_id: str
    definition_id: str
    definition_version: int
    title: str
    status: str
    assignee: str | None
    owner: str | None
    candidate_users: list[str]
    candidate_groups: list[str]
    queue: str | None
    priority: int
    due: datetime | None
    approvers: list[str]
    votes: dict[str, str]
    outcome: str | None
    escalation_level: int
    created_at: datetime
    claimed_at: datetime | None
    completed_at: datetime | None
    completed_by: str | None


async def tasks(
    connection: asyncpg.Connection,
    *,
    status: Status = "open",
    user: str | None = None,
    groups: Sequence[str] = (),
    queue: str | None = None,
    instance_id: str | None = None,
    definition_id: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[TaskSummary]:
    """At most ``limit`` tasks that meet all conditions, behind the first ``offset``.

    ``user``: those that the user has, or may claim (also by one of ``groups``), or has to answer as an approver.
    Ordered by priority (the highest first), due moment and creation; what is over by creation, the newest first.
    """
    values: list[Any] = []

    def parameter(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    conditions = [OPEN] if status == "open" else [] if status == "all" else [f"status = {parameter(status)}"]
    if user is not None:
        who, of = parameter(user), parameter(list(groups))
        conditions.append(
            f"(assignee = {who} OR (assignee IS NULL AND approvers = '{{}}' AND (candidate_users @> ARRAY[{who}]"
            f" OR candidate_groups && {of}::text[] OR (candidate_users = '{{}}' AND candidate_groups = '{{}}')))"
            f" OR (approvers @> ARRAY[{who}] AND NOT votes ? {who}))"
        )
    for column, value in (("queue", queue), ("definition_id", definition_id)):
        if value is not None:
            conditions.append(f"{column} = {parameter(value)}")
    if instance_id is not None:
        conditions.append(f"instance_id = {parameter(UUID(instance_id))}")
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    is_open = status in {"open", "created", "claimed"}
    order = "priority DESC, due NULLS LAST, created_at, id" if is_open else "created_at DESC, id DESC"
    values += [limit, offset]
    order += f" LIMIT ${len(values) - 1} OFFSET ${len(values)}"
    query = f"SELECT {COLUMNS} FROM tasks {where} ORDER BY {order}"  # noqa: S608  columns and numbers of parameters
    return [summary(row) for row in await connection.fetch(query, *values)]


def summary(row: asyncpg.Record) -> TaskSummary:
    """A row of ``COLUMNS``."""
    return TaskSummary(**dict(row) | {"votes": msgspec.json.decode(row["votes"])})
