"""``rules``: says which rules of the table hit, on what, and what comes of it."""

from typing import Any

from streams.core.activities import RulesNode
from streams.core.flow import errors
from streams.core.flow.flow import WAITS, Flow
from streams.core.rules import RulesError


def enter(flow: Flow, node: RulesNode, token: str | None) -> str | None:
    """Ask the table.  Hits that its policy does not allow are an error of type ``rules``."""
    execution = flow.begin(node, "rules", token)
    flow.refresh(node.names, token)
    table = node.table
    try:
        outcome = table.evaluate(flow.variables(token))
    except RulesError as error:
        data = {"inputs": error.inputs, "hit_policy": table.policy, "hits": list(error.hits)}
        flow.emit("rules_evaluated", data, node.id, token)
        errors.fail(flow, node, token, "rules", f"{flow.process.id}: activity {node.id}: {error}")
        return WAITS
    told: dict[str, Any] = {"inputs": outcome.inputs, "hit_policy": table.policy, "hits": list(outcome.hits)}
    if outcome.used is not None:
        told["used"] = outcome.used
    flow.emit("rules_evaluated", {**told, "result": outcome.result}, node.id, token)
    flow.emit("activity_completed", {"execution": execution}, node.id, token)
    flow.store(node.output.of(outcome.result), token)
    return flow.leave(node, execution, token)
