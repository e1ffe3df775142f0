"""Appliers of user tasks: what each event changes in the instance's open tasks."""

from typing import Any

import msgspec

from streams.core.durations import instant_ms, parse_instant_ms
from streams.core.events import Event
from streams.core.places import place_of
from streams.core.state import Instance, Wait
from streams.core.tasks.task import Task, Vote


def created(state: Instance, event: Event) -> None:
    """Somebody is asked: the activity waits for the task."""
    data = event.data
    assert event.activity_id is not None
    task = Task(
        event.activity_id,
        instant_ms(event.time),
        assignee=data.get("assignee"),
        users=data.get("users", []),
        groups=data.get("groups", []),
        priority=data["priority"],
        due=_moment(data, "due"),
        remind_at=_moment(data, "remind_at"),
        escalate_at=_moment(data, "escalate_at"),
        token=event.token,
        approvers=data.get("approvers", []),
        needed=data.get("needed", 0),
    )
    state.tasks[data["execution"]] = task
    state.waiting[place_of(event.activity_id, event.token)] = Wait("task", data["execution"])


def assigned(state: Instance, event: Event) -> None:
    """Somebody was given the task; what was delegated is no longer."""
    _change(state, event, assignee=event.data["assignee"], owner=None, draft=None, draft_outcome=None)


def claimed(state: Instance, event: Event) -> None:
    """Somebody has taken the task."""
    _change(state, event, assignee=event.data["user"])


def unclaimed(state: Instance, event: Event) -> None:
    """Nobody has the task any more."""
    _change(state, event, assignee=None, owner=None, draft=None, draft_outcome=None)


def delegated(state: Instance, event: Event) -> None:
    """Somebody else does the task for its owner; an approver's place is taken by somebody else."""
    data = event.data
    if "approvers" in data:
        _change(state, event, approvers=data["approvers"])
    else:
        _change(state, event, assignee=data["to"], owner=data["owner"])


def returned(state: Instance, event: Event) -> None:
    """The delegate is done: the owner has the task again, with what the delegate has answered."""
    data = event.data
    _change(state, event, assignee=data["to"], owner=None, draft=data.get("answers"), draft_outcome=data.get("outcome"))


def updated(state: Instance, event: Event) -> None:
    """The task is more or less urgent."""
    data = event.data
    moments = {name: _moment(data, name) for name in ("due", "remind_at", "escalate_at") if name in data}
    _change(state, event, **moments, **({"priority": data["priority"]} if "priority" in data else {}))


def reminded(state: Instance, event: Event) -> None:
    """Whoever may do the task was reminded of it."""
    _change(state, event, reminded=event.data["count"], remind_at=_moment(event.data, "remind_at"))


def escalated(state: Instance, event: Event) -> None:
    """Nobody has answered: the task may have gone to others."""
    data = event.data
    changes: dict[str, Any] = {name: data[name] for name in ("users", "groups", "priority") if name in data}
    if "assignee" in data:
        changes |= {"assignee": data["assignee"], "owner": None, "draft": None, "draft_outcome": None}
    _change(state, event, level=data["level"], escalate_at=_moment(data, "escalate_at"), **changes)


def voted(state: Instance, event: Event) -> None:
    """One of several approvers has answered; the event's type says what."""
    outcome = event.type.removeprefix("task_")
    vote = Vote(event.data["user"], outcome, event.data.get("answers", {}))
    _change(state, event, votes=[*_task(state, event).votes, vote])


def over(state: Instance, event: Event) -> None:
    """The task is completed or cancelled: its history is in the events."""
    del state.tasks[event.data["execution"]]


def _change(state: Instance, event: Event, **changes: Any) -> None:
    task = msgspec.structs.replace(_task(state, event), **changes)
    state.tasks[event.data["execution"]] = task


def _task(state: Instance, event: Event) -> Task:
    task: Task = state.tasks[event.data["execution"]]
    return task


def _moment(data: dict[str, Any], name: str) -> int | None:
    text = data.get(name)
    return None if text is None else parse_instant_ms(text)
