"""``fail_activity``: an action worker could not perform the action."""

from streams.core.commands import FailActivity
from streams.core.decide.complete_activity import awaiting
from streams.core.flow import errors
from streams.core.flow.flow import Flow
from streams.core.step import run
from streams.core.turn import Turn


def fail_activity(turn: Turn, command: FailActivity) -> None:
    """The activity fails, and the instance with it."""
    instance = awaiting(turn, command)
    if instance is None:
        return
    data = {
        "execution": command.execution,
        "attempt": command.attempt,
        "error_type": command.error_type,
        "error": command.error,
    }
    process = turn.process_of(instance)
    flow = Flow(turn, instance, process)
    node = process.activities[command.activity_id]
    flow.emit("activity_failed", data, node.id, command.token, command.error)
    errors.fail(flow, node, command.token, command.error_type, command.error)
    run(flow)
