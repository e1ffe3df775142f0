"""What a refused command leads to, where somebody waits for what it would have done."""

from streams.core.commands import (
    MAX_REASON,
    AnyCommand,
    Deliver,
    FailActivity,
    RefuseWait,
    RequestSlot,
    ReturnMessage,
    StartProcess,
    Subscribe,
)
from streams.core.flow import children
from streams.core.scalars import shortened
from streams.core.turn import Rejection

KNOWN = frozenset({"already_subscribed", "already_requested"})
"""Reasons why nothing else is needed: it is known that somebody waits."""


def follow_up_of(command: AnyCommand, rejection: Rejection) -> FailActivity | ReturnMessage | RefuseWait | None:
    """A child that does not start is an error of its parent; a message that nobody takes goes back to its key; who
    cannot be noted as waiting does not wait.
    """
    if isinstance(command, StartProcess) and command.parent is not None and command.parent.awaits:
        return children.failed(command.parent, rejection.reason, rejection.message)
    if isinstance(command, Deliver):
        return children.returned(command)
    if isinstance(command, Subscribe) and rejection.reason not in KNOWN:
        text = f"Message {command.name!r} cannot be awaited under key {command.correlation_key!r}: {rejection.message}"
        return RefuseWait(
            instance_id=command.instance_id,
            activity_id=command.activity_id,
            execution=command.execution,
            token=command.token,
            error_type=rejection.reason,
            error=shortened(text, MAX_REASON),
        )
    if isinstance(command, RequestSlot) and not command.running and rejection.reason not in KNOWN:
        text = f"No slot of {command.definition_id!r} can be waited for: {rejection.message}"
        return RefuseWait(
            instance_id=command.instance_id, error_type=rejection.reason, error=shortened(text, MAX_REASON)
        )
    return None
