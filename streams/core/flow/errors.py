"""What becomes of an error: a handler of the activity, else of the one whose branch it is in, and so on outwards.

    activity ─► on_timeout, on_error ─► owner of its branch ─► … ─► the process: failed, or an incident

Where one is caught, everything within is cancelled.  Where none is, nothing is: the token stays where it failed, so
that it can be tried again from there.
"""

from typing import Any

from streams.core.activities import Node
from streams.core.activities.base import ANY_ERROR
from streams.core.flow import ends
from streams.core.flow.cancelling import cancel_within
from streams.core.flow.flow import Flow
from streams.core.places import place_of, scope_of

TIMEOUT = "timeout"
"""The type of an error that time is the cause of."""


def fail(flow: Flow, node: Node, token: str | None, error_type: str, error: str) -> None:
    """An error of an activity that ``token`` is in, and waits for nothing there any more."""
    if (late := flow.instance.deadlines.get(place_of(node.id, token))) is not None:  # nothing has ended it yet
        data = {"execution": late.execution, "error_type": error_type, "error": error}
        flow.emit("activity_failed", data, node.id, token, error)
    catcher, home, scopes = node, token, list[str]()
    while (handler := _handler(catcher, error_type)) is None:
        if home is None:
            _stop(flow, node, token, error_type, error)
            return
        scope_id, _ = scope_of(home)
        scope = flow.instance.scopes[scope_id]
        scopes.append(scope_id)
        catcher, home = flow.process.activities[scope.activity_id], scope.token
    told = {"error_type": error_type, "error": error}
    for scope_id in scopes:
        cancel_within(flow, scope_id)
        scope = flow.instance.scopes[scope_id]
        if scope_id != scopes[-1]:
            flow.emit("activity_failed", {"execution": int(scope_id), **told}, scope.activity_id, scope.token, error)
    caught: dict[str, Any] = {**told, "handler": handler}
    if scopes:
        caught["execution"] = int(scopes[-1])
    flow.emit("error_caught", caught, catcher.id, home, error)
    flow.store({"error": {"type": error_type, "message": error, "activity": node.id}}, home)
    flow.go(home, handler)


def _handler(node: Node, error_type: str) -> str | None:
    if error_type == TIMEOUT and node.on_timeout is not None:
        return node.on_timeout
    return node.on_error.get(error_type, node.on_error.get(ANY_ERROR)) if node.on_error else None


def _stop(flow: Flow, node: Node, token: str | None, error_type: str, error: str) -> None:
    """Nobody has caught it."""
    if flow.process.definition.on_failure == "fail":
        flow.stand()
        ends.fail(flow.turn, flow.instance, error_type, error, node.id, token)
        return
    data = {"execution": flow.instance.steps, "error_type": error_type, "error": error}
    flow.emit("incident_created", data, node.id, token, error)
