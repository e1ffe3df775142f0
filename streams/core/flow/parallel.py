"""``parallel``: begins its branches at once, and goes on when enough of them have come to their end.

enter ─► branches_started ─► branch_completed … ─► activity_completed ─► next
"""

from streams.core.activities import ParallelNode
from streams.core.flow.cancelling import cancel_within
from streams.core.flow.flow import WAITS, Flow
from streams.core.places import branch_token, scope_of


def enter(flow: Flow, node: ParallelNode, token: str | None) -> str | None:
    """Begin every branch."""
    execution = flow.begin(node, "parallel", token)
    names = [name for name, _ in node.branches]
    data = {"execution": execution, "branches": names, "join": node.join}
    flow.emit("branches_started", data, node.id, token)
    for number, (_, first) in enumerate(node.branches, 1):
        flow.go(branch_token(execution, number), first)
    return WAITS


def branch_ended(flow: Flow, token: str) -> None:
    """Go on behind the activity, if that was the last that it waited for; the others are cancelled."""
    scope_id, number = scope_of(token)
    scope = flow.instance.scopes[scope_id]
    execution = int(scope_id)
    flow.emit("branch_completed", {"execution": execution, "branch": number}, scope.activity_id, token)
    if scope.done < scope.join:
        return
    if scope.open:
        cancel_within(flow, scope_id)
    flow.emit("activity_completed", {"execution": execution}, scope.activity_id, scope.token)
    node = flow.process.activities[scope.activity_id]
    flow.go(scope.token, flow.leave(node, execution, scope.token))
