"""``assign_task``: somebody gives a task to somebody, or takes it away."""

from streams.core.commands import AssignTask
from streams.core.decide.open_task import open_task
from streams.core.tasks import rules
from streams.core.turn import Turn


def assign_task(turn: Turn, command: AssignTask) -> None:
    """Whoever had the task has it no more.  One who is no candidate may be given it all the same."""
    found = open_task(turn, command, "assign")
    if found is None or found.refuses(rules.assign(found.name, found.task, command.assignee)):
        return
    who = {"user": command.user}
    if found.task.assignee is not None:
        who["from"] = found.task.assignee
    if command.assignee is None:
        found.tell("task_unclaimed", **who)
    else:
        found.tell("task_assigned", **who, assignee=command.assignee)
