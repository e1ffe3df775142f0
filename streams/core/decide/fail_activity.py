"""``fail_activity``: an action worker could not perform the action."""

from streams.core import step
from streams.core.commands import FailActivity
from streams.core.decide.complete_activity import awaiting
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
    turn.emit(instance, "activity_failed", data, command.activity_id, message=command.error)
    step.fail(turn, instance, command.error_type, command.error, command.activity_id)
