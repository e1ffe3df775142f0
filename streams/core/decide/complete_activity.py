"""``complete_activity``: an action worker's answer.  One answer is accepted for a request; later ones are refused."""

from streams.core import step
from streams.core.activities import ServiceNode
from streams.core.commands import CompleteActivity, FailActivity
from streams.core.decide.target import target_instance
from streams.core.state import Instance
from streams.core.turn import Turn


def complete_activity(turn: Turn, command: CompleteActivity) -> None:
    """Store the action's output and go on behind the activity."""
    instance = awaiting(turn, command)
    if instance is None:
        return
    process = turn.process_of(instance)
    node = process.activities[command.activity_id]
    assert isinstance(node, ServiceNode)
    data = {"execution": command.execution, "output": command.output}
    turn.emit(instance, "activity_completed", data, node.id)
    step.store_output(turn, instance, node.output.of(command.output))
    step.run(turn, instance, process, node.next)


def awaiting(turn: Turn, command: CompleteActivity | FailActivity) -> Instance | None:
    """The instance that waits for this very answer, or ``None`` after rejecting it."""
    instance = target_instance(turn, command.instance_id, "answer")
    if instance is None:
        return None
    wait = instance.waiting.get(command.activity_id)
    asked = (command.execution, command.attempt)
    if wait is None or wait.kind != "action" or (wait.execution, wait.attempt) != asked:
        turn.reject(
            "not_awaited",
            f"Instance {instance.id} does not wait for the answer to execution {command.execution}, attempt "
            f"{command.attempt} of activity {command.activity_id!r}: it was answered before, or given up",
            instance.id,
        )
        return None
    return instance
