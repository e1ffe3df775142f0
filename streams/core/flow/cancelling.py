"""Cancelling what goes on within an activity: tokens that wait, branches of branches, what is still ahead."""

from collections.abc import Callable

from streams.core.flow import children, user_task
from streams.core.flow.flow import Flow
from streams.core.places import scope_of, split_place
from streams.core.state import Instance, Wait


def _cancel_task(flow: Flow, place: str, _wait: Wait) -> None:
    user_task.cancel_tasks(flow.turn, flow.instance, "cancelled", place)


CANCELLED: dict[str, Callable[[Flow, str, Wait], None]] = {
    "task": _cancel_task,
}
"""What else there is to do when a wait is given up, by ``Wait.kind``: (flow, place, wait), before the event."""


def cancel_within(flow: Flow, scope_id: str) -> None:
    """Cancel all branches of a scope, from within.  The scope itself stays, for its owner to close."""
    within = _within(flow.instance, scope_id)
    for work in [work for work in flow.ahead if work[0] is not None and scope_of(work[0])[0] in within]:
        flow.ahead.remove(work)
    for place, wait in list(flow.instance.waiting.items()):
        activity_id, token = split_place(place)
        if token is not None and scope_of(token)[0] in within:
            give_up(flow, place, wait)
            flow.emit("activity_cancelled", {"execution": told_execution(flow.instance, wait)}, activity_id, token)
            children.abandon(flow.turn, flow.instance, {place: wait})
    for inner in reversed(within[1:]):
        scope = flow.instance.scopes[inner]
        flow.emit("activity_cancelled", {"execution": int(inner)}, scope.activity_id, scope.token)


def told_execution(instance: Instance, wait: Wait) -> int:
    """The execution that the end of a wait names; 0 for none.

    A token that has not entered its activity (it has yielded, or its condition failed) waits under the number of the
    activity that was entered last.  That one may own branches, and an event with its number would close them.
    """
    return 0 if str(wait.execution) in instance.scopes else wait.execution


def give_up(flow: Flow, place: str, wait: Wait) -> None:
    """Do what else follows when nobody waits any more."""
    if (also := CANCELLED.get(wait.kind)) is not None:
        also(flow, place, wait)


def _within(instance: Instance, scope_id: str) -> list[str]:
    """The scope, and all within it; an outer one stands before its inner ones."""
    found = {scope_id: None}
    for inner, scope in instance.scopes.items():
        if scope.token is not None and scope_of(scope.token)[0] in found:
            found[inner] = None
    return list(found)
