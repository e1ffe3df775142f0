"""``compensate``: undoes activities that have completed, the last one first, each by its ``compensation``.

    enter ─► compensations_started ─► compensation_started … compensation_completed ─► activity_completed ─► next

It undoes what its own token has done, and what branches have done that are over; what fails within is an error of it.
"""

from streams.core.activities import CompensateNode, Node
from streams.core.apply.branches import completed_at
from streams.core.flow.flow import WAITS, Flow
from streams.core.places import branch_token, scope_of


def enter(flow: Flow, node: CompensateNode, token: str | None) -> str | None:
    """Begin with the last one."""
    execution = flow.begin(node, "compensate", token)
    found = [
        one.execution
        for one in reversed(flow.instance.compensations)
        if one.token == token and node.activity in (None, one.activity_id)
    ]
    flow.emit("compensations_started", {"execution": execution, "executions": found}, node.id, token)
    if not found:
        return _complete(flow, node, str(execution))
    _begin(flow, node, str(execution))
    return WAITS


def one_ended(flow: Flow, token: str) -> None:
    """Begin the one before it, or go on."""
    scope_id, number = scope_of(token)
    scope = flow.instance.scopes[scope_id]
    node = flow.process.activities[scope.activity_id]
    flow.emit("compensation_completed", {"execution": int(scope_id), "branch": number}, node.id, token)
    if scope.items:
        _begin(flow, node, scope_id)
    else:
        flow.go(scope.token, _complete(flow, node, scope_id))


def _begin(flow: Flow, node: Node, scope_id: str) -> None:
    scope = flow.instance.scopes[scope_id]
    compensations = flow.instance.compensations
    undone = compensations[completed_at(compensations, scope.items[-1])]
    token = branch_token(scope_id, scope.begun + 1)
    data = {"execution": int(scope_id), "activity": undone.activity_id, "undone": undone.execution}
    flow.emit("compensation_started", data, node.id, token)
    flow.go(token, flow.process.activities[undone.activity_id].compensation)


def _complete(flow: Flow, node: Node, scope_id: str) -> str | None:
    token = flow.instance.scopes[scope_id].token
    flow.emit("activity_completed", {"execution": int(scope_id)}, node.id, token)
    return flow.leave(node, int(scope_id), token)
