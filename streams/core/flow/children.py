"""What a child tells its parent, and what becomes of what an activity has begun when nobody waits for it any more."""

from collections.abc import Callable, Mapping
from typing import Any

from streams.core.commands import (
    MAX_REASON,
    Cancel,
    CompleteActivity,
    Deliver,
    FailActivity,
    ReturnMessage,
    Subscribe,
    Unsubscribe,
)
from streams.core.parent import Parent
from streams.core.places import split_place
from streams.core.scalars import shortened
from streams.core.state import Instance, Wait
from streams.core.turn import Turn


def completed(parent: Parent, variables: Mapping[str, Any]) -> CompleteActivity:
    """The child has completed, with these variables."""
    wanted = (
        variables if parent.wants is None else {name: variables[name] for name in parent.wants if name in variables}
    )
    return CompleteActivity(
        instance_id=parent.instance_id,
        activity_id=parent.activity_id,
        execution=parent.execution,
        attempt=1,
        output=dict(wanted),
        token=parent.token,
    )


def failed(parent: Parent, error_type: str, error: str) -> FailActivity:
    """The child has failed, was cancelled, or could not be started; of a long error its beginning."""
    return FailActivity(
        instance_id=parent.instance_id,
        activity_id=parent.activity_id,
        execution=parent.execution,
        attempt=1,
        error_type=error_type,
        error=shortened(error, MAX_REASON),
        token=parent.token,
    )


def returned(message: Deliver) -> ReturnMessage:
    """A message that nobody has taken, on its way back to its key."""
    return ReturnMessage(
        name=message.name,
        correlation_key=message.correlation_key,
        payload=message.payload,
        expires_ms=message.expires_ms,
    )


def tell_completed(turn: Turn, instance: Instance) -> None:
    """The child has completed: whoever waits for it gets to know.  Behind the event that says so, as below."""
    if (parent := instance.parent) is not None and parent.awaits:
        turn.follow_up(completed(parent, instance.variables))


def tell_failed(turn: Turn, instance: Instance, error_type: str, error: str) -> None:
    """It has not completed."""
    if (parent := instance.parent) is not None and parent.awaits:
        turn.follow_up(failed(parent, error_type, error))


def abandon(turn: Turn, instance: Instance, waits: Mapping[str, Wait]) -> None:
    """End what these waits, by place, had begun elsewhere.  Behind the event that says so."""
    for place, wait in waits.items():
        if (end := ABANDONED.get(wait.kind)) is not None:
            end(turn, instance, place, wait)


def _cancel_child(turn: Turn, instance: Instance, _place: str, wait: Wait) -> None:
    assert wait.name is not None
    reason = f"Instance {instance.id}, which has started it, does not wait for it any more"
    turn.follow_up(Cancel(instance_id=wait.name, reason=reason, by_parent=True))


def subscribe(turn: Turn, instance: Instance, place: str, wait: Wait) -> None:
    """Let the wait have what is published under its correlation key, where it has one.  Behind an event."""
    _tell_key(turn, Subscribe, instance, place, wait)


def unsubscribe(turn: Turn, instance: Instance, place: str, wait: Wait) -> None:
    """The activity waits no more for a message under a correlation key."""
    _tell_key(turn, Unsubscribe, instance, place, wait)


def _tell_key(
    turn: Turn, what: type[Subscribe] | type[Unsubscribe], instance: Instance, place: str, wait: Wait
) -> None:
    if wait.correlation is None or wait.name is None:
        return
    activity_id, token = split_place(place)
    turn.follow_up(
        what(
            name=wait.name,
            correlation_key=wait.correlation,
            instance_id=instance.id,
            activity_id=activity_id,
            execution=wait.execution,
            token=token,
        )
    )


ABANDONED: dict[str, Callable[[Turn, Instance, str, Wait], None]] = {
    "subprocess": _cancel_child,
    "message": unsubscribe,
}
"""By ``Wait.kind``."""
