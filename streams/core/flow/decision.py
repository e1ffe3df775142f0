"""``decision``: says which way it went, and why."""

from streams.core.activities import CasesNode, DecisionNode
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


def enter_cases(flow: Flow, node: CasesNode, token: str | None) -> str | None:
    """Evaluate one condition after the other, and take the way of the first that holds."""
    flow.begin(node, "decision", token)
    for number, (condition, path) in enumerate(node.cases, 1):
        flow.refresh(condition.names, token)
        if condition.test(flow.variables(token)):
            data = {"condition": condition.text, "result": True, "path": path, "case": number}
            flow.emit("decision_evaluated", data, node.id, token)
            return path
    flow.emit("decision_evaluated", {"condition": "default", "result": True, "path": node.default}, node.id, token)
    return node.default
