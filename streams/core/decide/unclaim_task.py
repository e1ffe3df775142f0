"""``unclaim_task``: whoever has a task gives it back."""

from streams.core.commands import UnclaimTask
from streams.core.decide.open_task import open_task
from streams.core.tasks import rules
from streams.core.turn import Turn


def unclaim_task(turn: Turn, command: UnclaimTask) -> None:
    """A delegate gives it back to its owner, undone; anybody else to the candidates."""
    found = open_task(turn, command, "unclaim")
    if found is None or found.refuses(rules.has(found.name, found.task, command.user)):
        return
    if (owner := found.task.owner) is not None:
        found.tell("task_returned", user=command.user, to=owner)
    else:
        found.tell("task_unclaimed", user=command.user)
