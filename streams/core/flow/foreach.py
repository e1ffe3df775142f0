"""``foreach``: runs its activities for each item of a list, so many items at once, each with variables of its own.

enter ─► items_started ─► item_started … item_completed ─► activity_completed ─► next
"""

from typing import Any, cast

from streams.core.activities import ForeachNode
from streams.core.expressions import ExpressionError
from streams.core.expressions.explain import show
from streams.core.flow.flow import WAITS, Flow
from streams.core.places import branch_token, scope_of
from streams.core.state import Scope

MAX_ITEMS = 1_000


def enter(flow: Flow, node: ForeachNode, token: str | None) -> str | None:
    """Begin the first items.  Raises ``ExpressionError`` for what is no list, or is too long."""
    execution = flow.begin(node, "foreach", token)
    flow.refresh(node.items.names, token)
    items = node.items.evaluate(flow.variables(token))
    if not isinstance(items, list):
        raise ExpressionError(f"Expected a list from '{node.items.text}', but got {show(items)}")
    if len(items) > MAX_ITEMS:
        raise ExpressionError(f"Expected at most {MAX_ITEMS:,} items in '{node.items.text}', but got {len(items):,}")
    data: dict[str, Any] = {"execution": execution, "items": items, "as": node.item}
    if node.index is not None:
        data["index"] = node.index
    if node.collect is not None:
        data["collect"] = node.collect
    flow.emit("items_started", data, node.id, token)
    scope_id = str(execution)
    if not items:
        return _complete(flow, node, scope_id)
    for _ in range(min(node.concurrency, len(items))):
        _begin(flow, node, scope_id)
    return WAITS


def item_ended(flow: Flow, token: str) -> None:
    """Keep its result, and begin the next item, or go on behind the activity."""
    scope_id, number = scope_of(token)
    scope = flow.instance.scopes[scope_id]
    node = cast(ForeachNode, flow.process.activities[scope.activity_id])
    data: dict[str, Any] = {"execution": int(scope_id), "item": number}
    if node.collect is not None:
        data["result"] = flow.own_variables(token).get(node.collect)
    flow.emit("item_completed", data, node.id, token)
    if scope.begun < scope.join:
        _begin(flow, node, scope_id)
    elif scope.done == scope.join:
        flow.go(scope.token, _complete(flow, node, scope_id))


def _begin(flow: Flow, node: ForeachNode, scope_id: str) -> None:
    number = flow.instance.scopes[scope_id].begun + 1
    token = branch_token(scope_id, number)
    flow.emit("item_started", {"execution": int(scope_id), "item": number}, node.id, token)
    flow.go(token, node.first)


def _complete(flow: Flow, node: ForeachNode, scope_id: str) -> str | None:
    scope: Scope = flow.instance.scopes[scope_id]
    flow.emit("activity_completed", {"execution": int(scope_id)}, node.id, scope.token)
    if node.output is not None:
        flow.store({node.output: scope.results or []}, scope.token)
    return flow.leave(node, int(scope_id), scope.token)
