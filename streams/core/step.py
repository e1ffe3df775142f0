"""Moving an instance through its process: activities are entered one after the other until one waits or the process
ends.

One function an activity kind, in ``ENTER``: it emits what happens and returns the id of the next activity, or ``None``
when the instance waits or has ended.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streams.core.activities import (
    DecisionNode,
    EndNode,
    MessageNode,
    Node,
    ServiceNode,
    StartNode,
    TimerNode,
)
from streams.core.durations import instant_text
from streams.core.expressions import MISSING, ExpressionError
from streams.core.process import Process, VariablesError
from streams.core.state import Feed, Instance
from streams.core.turn import Turn

MAX_STEPS = 10_000
MAX_STEPS_A_COMMAND = 1_000
ANSWER_GRACE_MS = 5_000
"""Real time an action's answer may take to arrive, after the action itself had to end."""


def run(turn: Turn, instance: Instance, process: Process, activity_id: str | None) -> None:
    """Enter activities from ``activity_id`` on; ``None`` is the end of the process."""
    at = activity_id
    for _ in range(MAX_STEPS_A_COMMAND):
        if at is None:
            complete(turn, instance)
            return
        if instance.steps >= MAX_STEPS:
            fail(turn, instance, "too_many_steps", f"Expected at most {MAX_STEPS} steps: does the process loop?", at)
            return
        node = process.activities[at]
        try:
            following = ENTER[type(node)](turn, instance, process, node)
        except (ExpressionError, VariablesError) as error:
            fail(turn, instance, "expression", f"{process.id}: activity {at}: {error}", at)
            return
        if following is WAITS or instance.status != "running":
            return
        at = following
    fail(turn, instance, "too_many_steps", f"Expected a wait within {MAX_STEPS_A_COMMAND} steps of one command", at)


def complete(turn: Turn, instance: Instance, activity_id: str | None = None) -> None:
    """The process has reached its end."""
    turn.emit(instance, "completed", _totals(turn, instance), activity_id)
    _forget_readings(turn, instance)


def fail(turn: Turn, instance: Instance, error_type: str, error: str, activity_id: str | None) -> None:
    """The instance stops where it is, and stays until somebody retries or cancels it."""
    data = {"error_type": error_type, "error": error, **_totals(turn, instance)}
    turn.emit(instance, "failed", data, activity_id, message=error)
    _forget_readings(turn, instance)


def cancel(turn: Turn, instance: Instance, reason: str | None) -> None:
    """Somebody ended the instance."""
    turn.emit(instance, "cancelled", {"reason": reason, **_totals(turn, instance)}, message=reason)
    _forget_readings(turn, instance)


def store_output(turn: Turn, instance: Instance, output: Mapping[str, Any]) -> None:
    """Variables that an activity's result sets."""
    for name, value in output.items():
        _set_variable(turn, instance, name, value, None)


def refresh(turn: Turn, instance: Instance, process: Process, names: Iterable[str]) -> None:
    """Let the live variables among ``names`` follow their source, before a step reads them."""
    if instance.key is None or not process.live_topics:
        return
    wanted = frozenset(names)
    for topic, variables in process.live_topics.items():
        if not any(name in wanted for name, _ in variables):
            continue
        reading = turn.around.latest(process.feed(topic, instance.key))
        if reading is None:
            continue
        for name, path in variables:
            if name in wanted and (value := path.get(reading)) is not MISSING:
                _set_variable(turn, instance, name, process.variables[name].checked(value), f"{topic}: {path.text}")


def _set_variable(turn: Turn, instance: Instance, name: str, value: Any, source: str | None) -> None:
    previous = instance.variables.get(name, MISSING)
    if previous == value and type(previous) is type(value):
        return
    data: dict[str, Any] = {"name": name, "value": value}
    if previous is not MISSING:
        data["previous"] = previous
    if source is not None:
        data["source"] = source
    turn.emit(instance, "variable_changed", data)


def _forget_readings(turn: Turn, instance: Instance) -> None:
    """Drop the latest readings that nobody who runs for the key asks for any more."""
    if not (followed := turn.feeds_of(instance)):
        return
    asked: set[Feed] = set()
    for other in turn.running_of_key(instance.key, None):
        asked.update(turn.feeds_of(other))
    for feed in followed:
        if feed not in asked:
            turn.readings[feed] = None


def _totals(turn: Turn, instance: Instance) -> dict[str, Any]:
    return {"duration_ms": max(turn.now_ms, instance.updated_at) - instance.started_at, "steps": instance.steps}


def _enter(turn: Turn, instance: Instance, node: Node, kind: str) -> int:
    execution = instance.steps + 1
    turn.emit(instance, "activity_started", {"activity_type": kind, "execution": execution}, node.id)
    return execution


def _enter_start(_turn: Turn, _instance: Instance, _process: Process, node: StartNode) -> str | None:
    return node.next


def _enter_end(turn: Turn, instance: Instance, _process: Process, node: EndNode) -> str | None:
    complete(turn, instance, node.id)
    return WAITS


def _enter_decision(turn: Turn, instance: Instance, process: Process, node: DecisionNode) -> str | None:
    _enter(turn, instance, node, "decision")
    refresh(turn, instance, process, node.condition.names)
    result = node.condition.test(instance.variables)
    path = node.true_path if result else node.false_path
    turn.emit(
        instance, "decision_evaluated", {"condition": node.condition.text, "result": result, "path": path}, node.id
    )
    return path


def _enter_service(turn: Turn, instance: Instance, process: Process, node: ServiceNode) -> str | None:
    execution = _enter(turn, instance, node, "service")
    refresh(turn, instance, process, node.config.names)
    config = node.config.render(instance.variables)
    if node.inline:
        data = {"action": node.action, "execution": execution}
        turn.emit(instance, "activity_completed", data, node.id, message=config["message"])
        return node.next
    request_action(turn, instance, node, config, execution)
    return WAITS


def request_action(turn: Turn, instance: Instance, node: ServiceNode, config: Any, execution: int) -> None:
    """Ask an action worker.  The idempotency key is the same over retries of one execution."""
    now = max(turn.now_ms, instance.updated_at)
    not_after = now + round(node.timeout_ms * turn.around.action_time)
    deadline = not_after + round(ANSWER_GRACE_MS * turn.around.action_time)
    data = {
        "action": node.action,
        "config": config,
        "execution": execution,
        "attempt": 1,
        "idempotency_key": f"{instance.id}:{node.id}:{execution}",
        "not_after": instant_text(not_after),
        "deadline": instant_text(deadline),
    }
    if node.config.secrets:
        data["secrets"] = [mark.document() for mark in node.config.marks(instance.variables)]
    turn.emit(instance, "action_requested", data, node.id)


def _enter_timer(turn: Turn, instance: Instance, _process: Process, node: TimerNode) -> str | None:
    execution = _enter(turn, instance, node, "timer")
    due = max(turn.now_ms, instance.updated_at) + node.duration_ms
    data = {"due": instant_text(due), "duration_ms": node.duration_ms, "execution": execution}
    turn.emit(instance, "timer_started", data, node.id)
    return WAITS


def _enter_message(turn: Turn, instance: Instance, _process: Process, node: MessageNode) -> str | None:
    execution = _enter(turn, instance, node, "message")
    turn.emit(instance, "message_awaited", {"name": node.message, "execution": execution}, node.id)
    if any(held.name == node.message for held in instance.signals):
        return take_message(turn, instance, node)
    return WAITS


def take_message(turn: Turn, instance: Instance, node: MessageNode) -> str | None:
    """Give the oldest held signal of the awaited name to the waiting activity; returns the next activity."""
    held = next(one for one in instance.signals if one.name == node.message)
    execution = instance.waiting[node.id].execution
    data = {"execution": execution, "output": held.payload}
    turn.emit(instance, "activity_completed", data, node.id)
    store_output(turn, instance, node.output.of(held.payload))
    return node.next


WAITS = "\x00waits"
"""No activity has this id: the instance waits, or has ended."""

ENTER: dict[type[Node], Callable[[Turn, Instance, Process, Any], str | None]] = {
    StartNode: _enter_start,
    EndNode: _enter_end,
    DecisionNode: _enter_decision,
    ServiceNode: _enter_service,
    TimerNode: _enter_timer,
    MessageNode: _enter_message,
}
