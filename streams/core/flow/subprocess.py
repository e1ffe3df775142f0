"""``subprocess``: another process, whose end is this activity's.

    enter ─► subprocess_requested, start_process ─► the child ─┬─ complete_activity ─► activity_completed ─► next
                                                              └─ fail_activity ─────► activity_failed ─► errors

The child answers as an action worker would, whatever partition it runs in: where it starts, because it was refused, or
at its end.
"""

from typing import Any

from streams.core import ids
from streams.core.activities import SubprocessNode
from streams.core.commands import StartProcess
from streams.core.expressions import ExpressionError
from streams.core.flow import errors
from streams.core.flow.flow import WAITS, Flow
from streams.core.parent import Parent
from streams.core.state import Wait

MAX_DEPTH = 20
"""Processes within processes; more is a process that starts itself."""


def enter(flow: Flow, node: SubprocessNode, token: str | None) -> str | None:
    """Have the child started.  Raises ``ExpressionError``."""
    execution = flow.begin(node, "subprocess", token)
    flow.refresh(node.asked.names, token)
    asked = node.asked.render(flow.variables(token))
    instance, partitions = flow.instance, flow.turn.around.partitions
    depth = 1 if instance.parent is None else instance.parent.depth + 1
    if depth > MAX_DEPTH:
        text = f"Expected at most {MAX_DEPTH} processes within one another: does {node.process} start itself?"
        flow.emit("activity_failed", _told(execution, "too_deep", text), node.id, token, text)
        errors.fail(flow, node, token, "too_deep", text)
        return WAITS
    key = ids.key_text(asked["key"]) if "key" in asked else instance.key
    if key is None and "key" in asked:
        got, most = asked["key"], ids.MAX_KEY_LENGTH
        raise ExpressionError(f"key: Expected a text of 1 to {most} characters, but got {got!r:.80}")
    cause = f"{instance.id}/{execution}"
    child = ids.instance_id(flow.now_ms, ids.partition_for(key or cause, partitions), cause)
    data = {"execution": execution, "process": node.process, "child_id": child, "key": key, "input": asked["input"]}
    if node.version is not None:
        data["version"] = node.version
    if not node.awaited:
        data["detached"] = True
    flow.emit("subprocess_requested", data, node.id, token)
    parent = Parent(
        instance_id=instance.id,
        activity_id=node.id,
        execution=execution,
        token=token,
        awaits=node.awaited,
        wants=node.wants,
        depth=depth,
    )
    flow.turn.follow_up(
        StartProcess(
            definition_id=node.process,
            definition_version=node.version,
            key=key,
            instance_id=child,
            variables=asked["input"],
            trigger={"type": "subprocess", "instance_id": instance.id, "activity_id": node.id},
            parent=parent,
        )
    )
    if node.awaited:
        return WAITS
    return flow.complete(node, execution, {"instance_id": child}, token)


def fail(
    flow: Flow, node: SubprocessNode, wait: Wait, token: str | None, error_type: str, error: str, *, retryable: bool
) -> None:
    """The child has failed, was cancelled, or could not be started.  It is not started again by itself."""
    del retryable
    flow.emit("activity_failed", _told(wait.execution, error_type, error), node.id, token, error)
    errors.fail(flow, node, token, error_type, error)


def _told(execution: int, error_type: str, error: str) -> dict[str, Any]:
    return {"execution": execution, "attempt": 1, "error_type": error_type, "error": error}
