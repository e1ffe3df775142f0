"""``service``: asks an action worker, or is its own effect.

enter ─► action_requested ─┬─ complete_activity ─► activity_completed ─► next
                           └─ fail_activity, or ─┬─ retry_scheduled ─► action_requested …
                              the deadline       └─ activity_failed ─► errors
"""

from typing import Any

from streams.core.activities import ServiceNode
from streams.core.durations import instant_text
from streams.core.flow import errors
from streams.core.flow.flow import WAITS, Flow
from streams.core.state import Wait

STALE_MS = 600_000
"""Plant time.  An attempt that was due so much earlier, before the plant stood still, is not made any more."""
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
        return flow.leave(node, execution, token)
    asked = {"config": config}
    if node.config.secrets:
        asked["secrets"] = [mark.document() for mark in node.config.marks(flow.variables(token))]
    request(flow, node, asked, execution, token)
    return WAITS


def request(
    flow: Flow, node: ServiceNode, asked: dict[str, Any], execution: int, token: str | None, attempt: int = 1
) -> None:
    """Ask an action worker.  What is asked for, and the idempotency key, are the same over an execution's attempts."""
    now, action_time = flow.now_ms, flow.turn.around.action_time
    not_after = now + round(node.timeout_ms * action_time)
    deadline = not_after + round(ANSWER_GRACE_MS * action_time)
    data = {
        "action": node.action,
        "config": asked["config"],
        "execution": execution,
        "attempt": attempt,
        "idempotency_key": idempotency_key(flow, node, execution),
        "not_after": instant_text(not_after),
        "deadline": instant_text(deadline),
    }
    if node.retry.max_attempts > 1:
        data["max_attempts"] = node.retry.max_attempts
    if "secrets" in asked:
        data["secrets"] = asked["secrets"]
    flow.emit("action_requested", data, node.id, token)


def idempotency_key(flow: Flow, node: ServiceNode, execution: int) -> str:
    """What the world tells one execution from another by."""
    return f"{flow.instance.id}:{node.id}:{execution}"


def fail(
    flow: Flow, node: ServiceNode, wait: Wait, token: str | None, error_type: str, error: str, *, retryable: bool
) -> None:
    """The attempt has failed: there is another one, or the activity fails."""
    told = {"execution": wait.execution, "attempt": wait.attempt, "error_type": error_type, "error": error}
    seed = idempotency_key(flow, node, wait.execution)
    pause = node.retry.pause_ms(wait.attempt, error_type, seed, retryable=retryable)
    if wait.request is not None and pause is not None:
        due = flow.now_ms + round(pause * flow.turn.around.action_time)
        flow.emit("retry_scheduled", {**told, "due": instant_text(due)}, node.id, token, error)
        return
    flow.emit("activity_failed", told, node.id, token, error)
    errors.fail(flow, node, token, error_type, error)


def no_answer(flow: Flow, node: ServiceNode, wait: Wait, token: str | None) -> None:
    """The deadline has come.  Nothing is asked again that was to be done long before somebody decides here again."""
    error = f"The action did not answer in time: activity {node.id!r}"
    fail(flow, node, wait, token, errors.TIMEOUT, error, retryable=not _is_stale(flow, wait))


def _is_stale(flow: Flow, wait: Wait) -> bool:
    """Whether its moment has passed while the plant stood still, and long ago."""
    return wait.due is not None and wait.due < flow.turn.around.opened_ms - STALE_MS


def again(flow: Flow, node: ServiceNode, wait: Wait, token: str | None) -> None:
    """Time for the next attempt."""
    assert wait.request is not None
    if _is_stale(flow, wait):
        error = f"Another attempt was due at {instant_text(wait.due or 0)}, when nobody was there: activity {node.id!r}"
        told = {"execution": wait.execution, "attempt": wait.attempt, "error_type": "expired", "error": error}
        flow.emit("activity_failed", told, node.id, token, error)
        errors.fail(flow, node, token, "expired", error)
        return
    request(flow, node, wait.request, wait.execution, token, wait.attempt)
