"""``transform``: makes variables from others; each is stored when all are made."""

from collections.abc import Mapping
from typing import Any

from streams.core.activities import ListRule, TransformNode
from streams.core.expressions import ExpressionError
from streams.core.expressions.explain import show
from streams.core.flow.flow import Flow

MAX_ITEMS = 1_000


def enter(flow: Flow, node: TransformNode, token: str | None) -> str | None:
    """Evaluate the rules one after the other, each over what those before it have made."""
    execution = flow.begin(node, "transform", token)
    flow.refresh(node.names, token)
    made: dict[str, Any] = {}
    variables = dict(flow.variables(token))
    for name, rule in node.rules:
        try:
            made[name] = _mapped(rule, variables) if isinstance(rule, ListRule) else rule.render(variables)
        except ExpressionError as error:
            raise ExpressionError(f"{name}: {error}") from error
        variables[name] = made[name]
    flow.emit("activity_completed", {"execution": execution}, node.id, token)
    flow.store(made, token)
    return flow.leave(node, execution, token)


def _mapped(rule: ListRule, variables: Mapping[str, Any]) -> list[Any]:
    items = rule.items.evaluate(variables)
    if not isinstance(items, list):
        raise ExpressionError(f"Expected a list from '{rule.items.text}', but got {show(items)}")
    if len(items) > MAX_ITEMS:
        raise ExpressionError(f"Expected at most {MAX_ITEMS:,} elements of '{rule.items.text}', but got {len(items):,}")
    made = []
    inside = dict(variables)
    for inside[rule.item] in items:
        if rule.where is None or rule.where.test(inside):
            made.append(rule.value.render(inside))
    return made
