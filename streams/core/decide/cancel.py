"""``cancel``: end an instance that runs or has failed, or all that run for a key."""

from streams.core.commands import Cancel
from streams.core.decide.target import target_instance
from streams.core.flow import ends
from streams.core.state import key_entity
from streams.core.turn import Turn


def cancel(turn: Turn, command: Cancel) -> None:
    """Cancel the target; what it waited for is forgotten, and an action's late answer will be refused."""
    if command.instance_id is not None:
        instance = target_instance(turn, command.instance_id, "cancel", failed_too=True)
        if instance is not None:
            ends.cancel(turn, instance, command.reason)
        return
    instances = turn.running_of_key(command.key, command.definition_id)
    for instance in instances:
        ends.cancel(turn, instance, command.reason)
    if not instances:
        what = command.definition_id or "instance"
        turn.reject(
            "unknown_instance", f"Cannot cancel: no {what} runs for key {command.key!r}", key_entity(command.key or "")
        )
