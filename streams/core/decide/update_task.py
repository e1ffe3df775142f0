"""``update_task``: a task becomes more or less urgent."""

from typing import Any

from streams.core.commands import UpdateTask
from streams.core.decide.open_task import open_task
from streams.core.durations import planned_ms
from streams.core.flow.user_task import moments_after
from streams.core.tasks import rules
from streams.core.turn import Turn


def update_task(turn: Turn, command: UpdateTask) -> None:
    """A new due moment moves the reminders and escalations that count from it."""
    found = open_task(turn, command, "update")
    if found is None:
        return
    try:
        due = None if command.due is None else planned_ms(command.due)
    except ValueError as error:
        turn.reject("invalid_due", f"{found.name}: {error}", found.flow.instance.id)
        return
    if found.refuses(rules.update(found.name, found.task, command.priority, due)):
        return
    data: dict[str, Any] = {} if command.priority is None else {"priority": command.priority}
    if due is not None:
        data |= moments_after(found.flow, found.node, found.task, due)
    found.tell("task_updated", user=command.user, **data)
