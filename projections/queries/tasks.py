"""What is there to do, and for whom?  The most urgent first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from projections.statements import Parameters

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
URGENCY = "(-priority), (coalesce(due, 'infinity'::timestamptz)), created_at, id"
"""As the index ``tasks_urgency`` has it."""
NEWEST = "created_at DESC, id DESC"
MINE = (
    "(assignee = {who} OR (assignee IS NULL AND approvers = '{{}}' AND (candidate_users @> ARRAY[{who}]"
    " OR candidate_groups && {of}::text[] OR (candidate_users = '{{}}' AND candidate_groups = '{{}}')))"
    " OR (approvers @> ARRAY[{who}] AND NOT votes ? {who}))"
)
"""Of what is open."""
HAD = (
    "assignee = {who}",
    "assignee IS NULL AND approvers = '{{}}' AND completed_by = {who}",
    "approvers <> '{{}}' AND approvers @> ARRAY[{who}] AND assignee IS DISTINCT FROM {who}",
)
"""Of what is over: each has an index, and no task is in two."""
IS_OPEN = "status IN ('created', 'claimed')"
IS_OVER = "status IN ('completed', 'cancelled')"
"""As their indexes say it."""
BEHIND_OPEN = f"({URGENCY}) > ({{}}::int, coalesce({{}}::timestamptz, 'infinity'), {{}}, {{}})"
BEHIND_OVER = "(created_at, id) < ({}, {})"
OVER = ("completed", "cancelled")
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


class TaskPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a task stands among all."""

    priority: int
    due: datetime | None
    created_at: datetime
    id: str

    @classmethod
    def of(cls, task: TaskSummary) -> "TaskPlace":
        """The task's."""
        return cls(task.priority, task.due, task.created_at, task.id)


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold.

    ``user``: those that the user has, or may claim (also by one of ``groups``), or has to answer as an approver; of
    what is over, those that the user had last, or completed, or was to answer as an approver.
    """

    status: Status = "open"
    user: str | None = None
    groups: Sequence[str] = ()
    queue: str | None = None
    instance_id: str | None = None
    definition_id: str | None = None


async def tasks(
    connection: asyncpg.Connection,
    wanted: TaskFilter | None = None,
    *,
    after: TaskPlace | None = None,
    limit: int = 50,
) -> list[TaskSummary]:
    """At most ``limit`` tasks, from behind the place ``after`` on.

    Ordered by priority (the highest first), due moment and creation; what is over by creation, the newest first.
    """
    query, values = statement(wanted or TaskFilter(), after, limit)
    return [summary(row) for row in await connection.fetch(query, *values)]


def statement(wanted: TaskFilter, after: TaskPlace | None, limit: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter, status = Parameters(), wanted.status
    instance = None if wanted.instance_id is None else UUID(wanted.instance_id)
    given = (("queue", wanted.queue), ("definition_id", wanted.definition_id), ("instance_id", instance))
    shared = [f"{column} = {parameter(value)}" for column, value in given if value is not None]
    is_open = status in {"open", "created", "claimed"}
    if after is not None:
        urgency = [-after.priority, after.due] if is_open else []
        place = [parameter(value) for value in (*urgency, after.created_at, after.id)]
        shared.append((BEHIND_OPEN if is_open else BEHIND_OVER).format(*place))
    order = URGENCY if is_open else NEWEST
    tail = f"ORDER BY {order} LIMIT {parameter(limit)}"
    each = []
    for conditions in _ways(wanted, parameter):
        all_of = [*conditions, *shared]
        where = f"WHERE {' AND '.join(all_of)}" if all_of else ""
        each.append(f"SELECT {COLUMNS} FROM tasks {where} {tail}")  # noqa: S608  columns and parameters
    if len(each) == 1:
        return each[0], parameter.values
    query = " UNION ALL ".join(f"({one})" for one in each)
    return f"SELECT * FROM ({query}) AS each {tail}", parameter.values  # noqa: S608


def _ways(wanted: TaskFilter, parameter: Parameters) -> list[list[str]]:
    """The ways in which a task may be one of those wanted, as conditions; each is read by an index of its own."""
    status, user = wanted.status, wanted.user
    if status == "all" and user is None:
        return [[]]
    over = [one for one in OVER if status in (one, "all")]
    ways = [[f"status = {parameter(one)}", IS_OVER] for one in over]
    if user is not None:
        who = parameter(user)
        ways = [[*way, had.format(who=who)] for way in ways for had in HAD]
        mine = [MINE.format(who=who, of=parameter(list(wanted.groups)))] if status not in OVER else []
    else:
        mine = []
    if status == "all":
        ways.append([IS_OPEN, *mine])
    elif not over:
        ways.append([*([OPEN] if status == "open" else [f"status = {parameter(status)}", IS_OPEN]), *mine])
    return ways


def summary(row: asyncpg.Record) -> TaskSummary:
    """A row of ``COLUMNS``."""
    return TaskSummary(**dict(row) | {"votes": msgspec.json.decode(row["votes"])})
