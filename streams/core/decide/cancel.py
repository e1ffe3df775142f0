"""``cancel``: end an instance that has not ended yet, or all that run for a key."""

from streams.core.commands import Cancel
from streams.core.decide.target import KEPT, target_instances
from streams.core.flow import ends
from streams.core.turn import Turn


def cancel(turn: Turn, command: Cancel) -> None:
    """Cancel the target; what it waited for is forgotten, and an action's late answer will be refused."""
    for instance in target_instances(turn, command, "cancel", KEPT):
        ends.cancel(turn, instance, command.reason, by_parent=command.by_parent)
