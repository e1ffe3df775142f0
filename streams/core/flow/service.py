"""``service``: asks an action worker, or is its own effect.

enter ─► action_requested ─┬─ complete_activity ─► activity_completed ─► next
                           ├─ fail_activity ─────► activity_failed
                           └─ the deadline ──────► activity_failed  timeout
"""

from typing import Any

from streams.core.activities import ServiceNode
from streams.core.durations import instant_text
from streams.core.flow.flow import WAITS, Flow

ANSWER_GRACE_MS = 5_000
"""Real time an action's answer may take to arrive, after the action itself had to end."""


def enter(flow: Flow, node: ServiceNode, token: str | None) -> str | None:
    """Ask, and wait; an inline action is done with its event."""
    execution = flow.begin(node, "service", token)
    flow.refresh(node.config.names, token)
    config = node.config.render(flow.variables(token))
    if node.inline:
        data = {"action": node.action, "execution": execution}
        flow.emit("activity_completed", data, node.id, token, config["message"])
        return node.next
    request(flow, node, config, execution, token)
    return WAITS


def request(flow: Flow, node: ServiceNode, config: Any, execution: int, token: str | None) -> None:
    """Ask an action worker.  The idempotency key is the same over retries of one execution."""
    now, action_time = flow.now_ms, flow.turn.around.action_time
    not_after = now + round(node.timeout_ms * action_time)
    deadline = not_after + round(ANSWER_GRACE_MS * action_time)
    data = {
        "action": node.action,
        "config": config,
        "execution": execution,
        "attempt": 1,
        "idempotency_key": f"{flow.instance.id}:{node.id}:{execution}",
        "not_after": instant_text(not_after),
        "deadline": instant_text(deadline),
    }
    if node.config.secrets:
        data["secrets"] = [mark.document() for mark in node.config.marks(flow.variables(token))]
    flow.emit("action_requested", data, node.id, token)


def complete(flow: Flow, node: ServiceNode, execution: int, output: dict[str, Any], token: str | None) -> None:
    """The action was performed: keep its output, and go on."""
    flow.emit("activity_completed", {"execution": execution, "output": output}, node.id, token)
    flow.store(node.output.of(output), token)
    flow.go(token, node.next)
