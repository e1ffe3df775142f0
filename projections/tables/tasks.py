"""``tasks``: one row a user task, the fold of its events.

``build`` folds a batch's events to one ``Change`` a task: the columns that it sets.  ``write`` inserts the rows of
tasks that the batch created, and patches the others: a column that a patch lacks stays, one that is null becomes null.

| an event of type | changes |
|---|---|
| any | ``last_seq``, ``updated_at`` |
| ``task_created`` | everything |
| ``task_assigned``, ``_claimed``, ``_unclaimed``, ``_delegated``, ``_returned`` | whose it is, and since when |
| ``task_updated``, ``task_escalated`` | ``priority``, ``due``, ``queue``, candidates, whose it is |
| ``task_approved``, ``task_rejected`` | one of ``votes`` |
| ``task_completed``, ``task_cancelled`` | ``status``, ``completed_at``, ``completed_by``, ``outcome``, ``answers`` |
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table
from streams.core.durations import instant
from streams.core.events import EventHead

_INSERT = """
    INSERT INTO tasks SELECT (jsonb_populate_record(NULL::tasks, made::jsonb)).* FROM unnest($1::text[]) AS made
"""
_COLUMNS = (
    "status", "assignee", "owner", "candidate_users", "candidate_groups", "queue", "priority", "due", "approvers",
    "answers", "outcome", "reminders", "escalation_level", "last_seq", "claimed_at", "completed_at", "completed_by",
    "updated_at",
)  # fmt: skip
_UPDATE = f"""
    UPDATE tasks AS old
    SET ({", ".join(_COLUMNS)}, votes) = (
        SELECT {", ".join(f"patched.{column}" for column in _COLUMNS)}, old.votes || new.votes::jsonb
        FROM jsonb_populate_record(old, new.patch::jsonb) AS patched)
    FROM unnest($1::text[], $2::text[], $3::text[]) AS new (id, patch, votes)
    WHERE old.id = new.id
"""  # noqa: S608  the columns are constants


NULL = msgspec.Raw(b"null")


class Change:
    """What a batch says about one task.  ``columns`` are those that it sets, ``votes`` the answers that came."""

    __slots__ = ("columns", "created", "id", "votes")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.created = False
        self.columns: dict[str, Any] = {}
        self.votes: dict[str, str] = {}

    def row(self) -> str:
        """All columns, as JSON."""
        return _encode(self.columns | {"votes": self.votes}).decode()

    def patch(self) -> str:
        """The columns that change, as JSON."""
        return _encode(self.columns).decode()


class Data(msgspec.Struct, kw_only=True):
    """What the events of tasks carry; each has some of it."""

    execution: int
    title: str = ""
    description: str | None = None
    user: str | None = None
    assignee: str | msgspec.UnsetType | None = msgspec.UNSET
    to: str | None = None
    owner: str | None = None
    users: list[str] | msgspec.UnsetType = msgspec.UNSET
    groups: list[str] | msgspec.UnsetType = msgspec.UNSET
    queue: str | msgspec.UnsetType = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET
    due: str | msgspec.UnsetType | None = msgspec.UNSET
    form: msgspec.Raw = NULL
    outcomes: list[str] = []
    approvers: list[str] = []
    answers: msgspec.Raw = NULL
    outcome: str | None = None
    count: int = 0
    level: int = 0


_decode = msgspec.json.Decoder(Data).decode
_encode = msgspec.json.Encoder().encode


def _created(change: Change, event: EventHead, data: Data) -> None:
    instance = UUID(event.subject)
    change.created = True
    change.columns = {
        "id": change.id,
        "instance_id": event.subject,
        "started_at": instant(int.from_bytes(instance.bytes[:6], "big")),
        "execution": data.execution,
        "activity_id": event.activity_id,
        "definition_id": event.definition_id,
        "definition_version": event.definition_version,
        "title": data.title,
        "description": data.description,
        "status": "created",
        "assignee": None,
        "owner": None,
        "candidate_users": data.users or [],
        "candidate_groups": data.groups or [],
        "queue": data.queue or None,
        "priority": data.priority,
        "due": data.due or None,
        "form": data.form,
        "outcomes": data.outcomes,
        "approvers": data.approvers,
        "answers": None,
        "outcome": None,
        "reminders": 0,
        "escalation_level": 0,
        "created_at": event.time,
        "claimed_at": None,
        "completed_at": None,
        "completed_by": None,
    }
    if data.assignee:
        _whose(change, event, data.assignee)


def _whose(change: Change, event: EventHead, assignee: str | None, owner: str | None = None) -> None:
    claimed_at = None if assignee is None else event.time
    status = "created" if assignee is None else "claimed"
    change.columns |= {"status": status, "assignee": assignee, "owner": owner, "claimed_at": claimed_at}


def _assigned(change: Change, event: EventHead, data: Data) -> None:
    _whose(change, event, data.assignee or None)


def _claimed(change: Change, event: EventHead, data: Data) -> None:
    _whose(change, event, data.user)


def _unclaimed(change: Change, event: EventHead, _data: Data) -> None:
    _whose(change, event, None)


def _delegated(change: Change, event: EventHead, data: Data) -> None:
    if data.approvers:
        change.columns["approvers"] = data.approvers
    else:
        _whose(change, event, data.to, data.owner)


def _returned(change: Change, event: EventHead, data: Data) -> None:
    _whose(change, event, data.to)


def _updated(change: Change, _event: EventHead, data: Data) -> None:
    told: dict[str, Any] = {"candidate_users": data.users, "candidate_groups": data.groups, "queue": data.queue}
    told |= {"priority": data.priority, "due": data.due}
    change.columns |= {name: value for name, value in told.items() if value is not msgspec.UNSET}


def _reminded(change: Change, _event: EventHead, data: Data) -> None:
    change.columns["reminders"] = data.count


def _escalated(change: Change, event: EventHead, data: Data) -> None:
    _updated(change, event, data)
    change.columns["escalation_level"] = data.level
    if data.assignee is not msgspec.UNSET:
        _whose(change, event, data.assignee)


def _voted(change: Change, event: EventHead, data: Data) -> None:
    assert data.user is not None
    change.votes[data.user] = event.type.removeprefix("task_")


def _completed(change: Change, event: EventHead, data: Data) -> None:
    change.columns |= {"status": "completed", "completed_at": event.time, "completed_by": data.user}
    change.columns |= {"outcome": data.outcome, "answers": data.answers}


def _cancelled(change: Change, event: EventHead, _data: Data) -> None:
    change.columns |= {"status": "cancelled", "completed_at": event.time}


HANDLERS: dict[str, Callable[[Change, EventHead, Data], None]] = {
    "task_created": _created,
    "task_assigned": _assigned,
    "task_claimed": _claimed,
    "task_unclaimed": _unclaimed,
    "task_delegated": _delegated,
    "task_returned": _returned,
    "task_updated": _updated,
    "task_reminded": _reminded,
    "task_escalated": _escalated,
    "task_approved": _voted,
    "task_rejected": _voted,
    "task_completed": _completed,
    "task_cancelled": _cancelled,
}


def build(items: Sequence[InstanceEvent]) -> list[Change]:
    """One change a task.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    changes: dict[str, Change] = {}
    for _, event in items:
        if (handle := HANDLERS.get(event.type)) is None:
            continue
        data = _decode(event.data)
        id_ = f"{event.subject}:{data.execution}"
        change = changes.get(id_)
        if change is None:
            change = changes[id_] = Change(id_)
        handle(change, event, data)
        change.columns |= {"last_seq": event.seq, "updated_at": event.time}
    return list(changes.values())


async def write(connection: asyncpg.Connection, rows: list[Change]) -> None:
    """Insert what was created, patch the rest.  A task whose row was deleted stays away."""
    created = [row.row() for row in rows if row.created]
    if created:
        await connection.execute(_INSERT, created)
    changed = [row for row in rows if not row.created]
    if changed:
        ids, patches = [row.id for row in changed], [row.patch() for row in changed]
        await connection.execute(_UPDATE, ids, patches, [_encode(row.votes).decode() for row in changed])


TABLE = Table("tasks", "projected", Projection("events", build, write))
