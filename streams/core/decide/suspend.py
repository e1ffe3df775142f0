"""``suspend``: an instance stands still.  Its timers are unarmed (``due``), its answers held, its signals kept."""

from streams.core.commands import Suspend
from streams.core.decide.target import RUNNING, target_instances
from streams.core.turn import Turn


def suspend(turn: Turn, command: Suspend) -> None:
    """Suspend the target."""
    for instance in target_instances(turn, command, "suspend", RUNNING):
        turn.emit(instance, "suspended", {"reason": command.reason}, message=command.reason)
