"""``update_task``: a task becomes more or less urgent."""

from typing import Any

from streams.core.commands import UpdateTask
from streams.core.decide.open_task import open_task
from streams.core.durations import instant_ms
from streams.core.flow.user_task import moments_after
from streams.core.tasks import rules
from streams.core.turn import Turn


def update_task(turn: Turn, command: UpdateTask) -> None:
    """A new due moment moves the reminders and escalations that count from it."""
    found = open_task(turn, command, "update")
    due = None if command.due is None else instant_ms(command.due)
    if found is None or found.refuses(rules.update(found.name, found.task, command.priority, due)):
        return
    data: dict[str, Any] = {} if command.priority is None else {"priority": command.priority}
    if due is not None:
        data |= moments_after(found.flow, found.node, found.task, due)
    found.tell("task_updated", user=command.user, **data)
