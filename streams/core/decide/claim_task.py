"""``claim_task``: somebody takes a task that nobody has."""

from streams.core.commands import ClaimTask
from streams.core.decide.open_task import open_task
from streams.core.tasks import rules
from streams.core.turn import Turn


def claim_task(turn: Turn, command: ClaimTask) -> None:
    """The first of the candidates gets it."""
    found = open_task(turn, command, "claim")
    if found is None or found.refuses(rules.claim(found.name, found.task, command.user, command.groups)):
        return
    found.tell("task_claimed", user=command.user)
