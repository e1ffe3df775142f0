"""Answers to tasks, in events: a task is shown to those whom it is for, and so is what was answered.

To whoever may not see all tasks (``tasks:assign``) an event tells that a task was answered, by whom and with which
outcome, but not what; those whom the task is for find that at GET /tasks/{id}.  What a definition takes from answers
into variables is the process's own, and shown as these are.
"""

from typing import Any

import msgspec

from projections.queries import HistoryEvent
from streams.redaction import HIDDEN
from weir.api.auth.principal import Principal

ANSWERED = frozenset({"task_returned", "task_approved", "task_rejected", "task_completed"})
"""Types of events that have ``answers``."""


def sees_answers(who: Principal) -> bool:
    """Whether events are shown to them as they are."""
    return who.may("tasks:assign")


def shown_to(who: Principal, events: list[HistoryEvent]) -> list[HistoryEvent]:
    """The events as they may see them."""
    return events if sees_answers(who) else [_hidden(event) for event in events]


def without_answers(value: bytes) -> bytes:
    """An event of one of these types as the topic has it, to be told to others."""
    event = msgspec.json.decode(value)
    event["data"] = _cut(event.get("data", {}))
    return msgspec.json.encode(event)


def record_shown_to(who: Principal, value: bytes | None) -> bytes | None:
    """A record that could not be used, as they may see it: a command or an event with answers, or what may be one."""
    if value is None or sees_answers(who):
        return value
    try:
        found = msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        return HIDDEN.encode() if b"answers" in value else value
    if not isinstance(found, dict):
        return value
    data = found.get("data")
    cut = _cut(found) | ({"data": _cut(data)} if isinstance(data, dict) else {})
    return value if cut == found else msgspec.json.encode(cut)


def _hidden(event: HistoryEvent) -> HistoryEvent:
    return msgspec.structs.replace(event, data=_cut(event.data)) if event.event_type in ANSWERED else event


def _cut(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"answers": HIDDEN} if data.get("answers") else data
