"""``decision``: says which way it went, and why."""

from streams.core.activities import DecisionNode
from streams.core.flow.flow import Flow


def enter(flow: Flow, node: DecisionNode, token: str | None) -> str | None:
    """Evaluate the condition, and take one of the two ways."""
    flow.begin(node, "decision", token)
    flow.refresh(node.condition.names, token)
    result = node.condition.test(flow.variables(token))
    path = node.true_path if result else node.false_path
    data = {"condition": node.condition.text, "result": result, "path": path}
    flow.emit("decision_evaluated", data, node.id, token)
    return path
