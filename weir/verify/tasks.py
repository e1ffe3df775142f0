"""``tasks``: the row that a user task must have, from its events alone.

This says again, column by column, what ``projections.tables.tasks`` patches from batches of events.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from streams.core.durations import instant
from streams.core.events import Event
from streams.core.ids import started_at_ms
from weir.verify.canonical import canonical, differing, digest
from weir.verify.report import Difference

QUERY = """
    SELECT id, instance_id::text, started_at, execution, activity_id, definition_id, definition_version, title,
           description, status, assignee, owner, candidate_users, candidate_groups, queue, priority, due, form::text,
           outcomes, approvers, votes::text, answers::text, outcome, reminders, escalation_level, last_seq, created_at,
           claimed_at, completed_at, completed_by, updated_at
    FROM tasks
"""
_JSON = ("form", "votes", "answers")


class TaskRow(msgspec.Struct, kw_only=True):
    """One row; the fields are the columns."""

    id: str
    instance_id: str
    started_at: datetime
    execution: int
    activity_id: str | None
    definition_id: str
    definition_version: int
    title: str
    description: str | None
    status: str
    assignee: str | None
    owner: str | None
    candidate_users: list[str]
    candidate_groups: list[str]
    queue: str | None
    priority: int
    due: datetime | None
    form: dict[str, Any] | None
    outcomes: list[str]
    approvers: list[str]
    votes: dict[str, str]
    answers: dict[str, Any] | None
    outcome: str | None
    reminders: int
    escalation_level: int
    last_seq: int
    created_at: datetime
    claimed_at: datetime | None
    completed_at: datetime | None
    completed_by: str | None
    updated_at: datetime

    @property
    def digest(self) -> int:
        """Equal for equal rows."""
        columns = msgspec.structs.asdict(self)
        for name in _JSON:
            columns[name] = canonical(columns[name] or {})
        return digest(tuple(columns.values()))


def task_row(row: Any) -> TaskRow:
    """A row of ``QUERY``."""
    columns = dict(row)
    json = {name: None if columns[name] is None else msgspec.json.decode(columns[name]) for name in _JSON}
    return TaskRow(**columns | json)


def is_of_task(event: Event) -> bool:
    """Whether the event changes a row of ``tasks``."""
    return event.type in _FOLDS or event.type == "task_created"


def follow(row: TaskRow | None, event: Event) -> TaskRow:
    """The row after an event of its task.  Raises ``LookupError`` when there was none before."""
    if event.type == "task_created":
        row = _created(event)
    elif row is None:
        raise LookupError(f"Expected task_created before {event.type}")
    else:
        _FOLDS[event.type](row, event)
    row.last_seq, row.updated_at = event.seq, event.time
    return row


def id_of(event: Event) -> str:
    """The id of the task that the event is about."""
    return f"{event.subject}:{event.data['execution']}"


def _created(event: Event) -> TaskRow:
    data = event.data
    assignee = data.get("assignee")
    return TaskRow(
        id=id_of(event),
        instance_id=str(UUID(event.subject)),
        started_at=instant(started_at_ms(event.subject)),
        execution=data["execution"],
        activity_id=event.activity_id,
        definition_id=event.definition_id,
        definition_version=event.definition_version,
        title=data["title"],
        description=data.get("description"),
        status="claimed" if assignee else "created",
        assignee=assignee,
        owner=None,
        candidate_users=data.get("users", []),
        candidate_groups=data.get("groups", []),
        queue=data.get("queue"),
        priority=data["priority"],
        due=_time(data.get("due")),
        form=data.get("form"),
        outcomes=data.get("outcomes", []),
        approvers=data.get("approvers", []),
        votes={},
        answers=None,
        outcome=None,
        reminders=0,
        escalation_level=0,
        last_seq=event.seq,
        created_at=event.time,
        claimed_at=event.time if assignee else None,
        completed_at=None,
        completed_by=None,
        updated_at=event.time,
    )


def _given(row: TaskRow, event: Event, assignee: str | None, owner: str | None = None) -> None:
    row.assignee, row.owner = assignee, owner
    row.status, row.claimed_at = ("claimed", event.time) if assignee else ("created", None)


def _delegated(row: TaskRow, event: Event) -> None:
    if "approvers" in event.data:
        row.approvers = event.data["approvers"]
    else:
        _given(row, event, event.data["to"], event.data["owner"])


def _updated(row: TaskRow, event: Event) -> None:
    data = event.data
    row.priority = data.get("priority", row.priority)
    row.queue = data.get("queue", row.queue)
    row.candidate_users = data.get("users", row.candidate_users)
    row.candidate_groups = data.get("groups", row.candidate_groups)
    if "due" in data:
        row.due = _time(data["due"])


def _escalated(row: TaskRow, event: Event) -> None:
    _updated(row, event)
    row.escalation_level = event.data["level"]
    if "assignee" in event.data:
        _given(row, event, event.data["assignee"])


def _reminded(row: TaskRow, event: Event) -> None:
    row.reminders = event.data["count"]


def _voted(row: TaskRow, event: Event) -> None:
    row.votes[event.data["user"]] = "approved" if event.type == "task_approved" else "rejected"


def _completed(row: TaskRow, event: Event) -> None:
    data = event.data
    row.status, row.completed_at, row.completed_by = "completed", event.time, data.get("user")
    row.outcome, row.answers = data.get("outcome"), data.get("answers")


def _cancelled(row: TaskRow, event: Event) -> None:
    row.status, row.completed_at = "cancelled", event.time


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


_FOLDS: dict[str, Callable[[TaskRow, Event], None]] = {
    "task_assigned": lambda row, event: _given(row, event, event.data["assignee"]),
    "task_claimed": lambda row, event: _given(row, event, event.data["user"]),
    "task_unclaimed": lambda row, event: _given(row, event, None),
    "task_delegated": _delegated,
    "task_returned": lambda row, event: _given(row, event, event.data["to"]),
    "task_updated": _updated,
    "task_reminded": _reminded,
    "task_escalated": _escalated,
    "task_approved": _voted,
    "task_rejected": _voted,
    "task_completed": _completed,
    "task_cancelled": _cancelled,
}
ENDS = frozenset({"task_completed", "task_cancelled"})


def compare_tasks(subject: str, expected: Mapping[str, TaskRow], found: Iterable[TaskRow]) -> list[Difference]:
    """The rows of one instance's tasks, column by column."""
    rows = {row.id: row for row in found}
    differences = []
    for id_ in sorted(expected.keys() | rows.keys()):
        one, other = expected.get(id_), rows.get(id_)
        if one is None or other is None:
            what = f"expected {'none' if one is None else one.status}"
            has = "has none" if other is None else f"has one that is {other.status}"
            differences.append(_difference(subject, one or other, f"row of task {id_}: {what}, but tasks {has}"))
        elif one.digest != other.digest:
            ways = differing(msgspec.to_builtins(one), msgspec.to_builtins(other))
            told = (f"{name}: expected {value}, but tasks has {wrong}" for name, value, wrong in ways)
            differences.append(_difference(subject, one, f"task {id_}: {'; '.join(told)}"))
    return differences


def _difference(subject: str, row: TaskRow | None, message: str) -> Difference:
    return Difference("task", subject, None if row is None else row.last_seq, message)
