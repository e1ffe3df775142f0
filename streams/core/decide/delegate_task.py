"""``delegate_task``: somebody else does one's task, and it comes back."""

from streams.core.commands import DelegateTask
from streams.core.decide.open_task import open_task
from streams.core.tasks import rules
from streams.core.turn import Turn


def delegate_task(turn: Turn, command: DelegateTask) -> None:
    """The delegate has it until an answer or ``unclaim_task`` brings it back to who delegated first."""
    found = open_task(turn, command, "delegate")
    if found is None or found.refuses(rules.delegate(found.name, found.task, command.user, command.to)):
        return
    task, user, to = found.task, command.user, command.to
    if task.approvers:
        approvers = [to if one == user else one for one in task.approvers]
        found.tell("task_delegated", user=user, to=to, approvers=approvers)
    else:
        found.tell("task_delegated", user=user, to=to, owner=task.owner or user)
