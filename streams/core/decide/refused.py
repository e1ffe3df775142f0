"""What a refused command leads to, where somebody waits for what it would have done."""

from streams.core.commands import AnyCommand, Deliver, FailActivity, ReturnMessage, StartProcess
from streams.core.flow import children
from streams.core.turn import Rejection


def follow_up_of(command: AnyCommand, rejection: Rejection) -> FailActivity | ReturnMessage | None:
    """A child that does not start is an error of its parent; a message that nobody takes goes back to its key."""
    if isinstance(command, StartProcess) and command.parent is not None and command.parent.awaits:
        return children.failed(command.parent, rejection.reason, rejection.message)
    if isinstance(command, Deliver):
        return children.returned(command)
    return None
