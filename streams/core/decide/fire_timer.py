"""``fire_timer``: a moment that an activity waits for has come.  A timer that is no longer due does nothing."""

from streams.core import step
from streams.core.commands import FireTimer
from streams.core.turn import Turn


def fire_timer(turn: Turn, command: FireTimer) -> None:
    """Go on behind a timer, or give up an action that did not answer."""
    instance = turn.instance(command.instance_id)
    wait = instance.waiting.get(command.activity_id) if instance is not None else None
    if instance is None or wait is None or wait.execution != command.execution or wait.due != command.due_ms:
        return
    process = turn.process_of(instance)
    node = process.activities[command.activity_id]
    if wait.kind == "timer":
        turn.emit(instance, "timer_fired", {"execution": wait.execution}, node.id)
        step.run(turn, instance, process, node.next)
        return
    error = "The action did not answer in time"
    data = {"execution": wait.execution, "attempt": wait.attempt, "error_type": "timeout", "error": error}
    turn.emit(instance, "activity_failed", data, node.id, message=error)
    step.fail(turn, instance, "timeout", f"{error}: activity {node.id!r}", node.id)
