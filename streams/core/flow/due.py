"""What a timer does when its moment has come: by its purpose, and by the kind of wait for a wait's own."""

from collections.abc import Callable
from typing import Any

from streams.core.activities import Node, UserTaskNode
from streams.core.commands import FireTimer
from streams.core.due import ESCALATION, PATTERN, REMINDER, SCHEDULE, WAIT
from streams.core.expressions import ExpressionError
from streams.core.flow import errors, timer, user_task
from streams.core.flow.flow import Flow
from streams.core.matching import time_passed
from streams.core.places import place_of
from streams.core.process import VariablesError
from streams.core.schedules.fire import fire
from streams.core.state import Wait
from streams.core.step import run
from streams.core.turn import Turn


def _wait_is_over(turn: Turn, command: FireTimer) -> None:
    instance = turn.instance(command.instance_id)
    assert instance is not None
    process = turn.process_of(instance)
    wait = instance.waiting[place_of(command.activity_id, command.token)]
    flow = Flow(turn, instance, process)
    WAITS_OVER[wait.kind](flow, process.activities[command.activity_id], wait, command.token)
    run(flow)


def _no_answer(flow: Flow, node: Node, wait: Wait, token: str | None) -> None:
    error = "The action did not answer in time"
    data = {"execution": wait.execution, "attempt": wait.attempt, "error_type": "timeout", "error": error}
    flow.emit("activity_failed", data, node.id, token, error)
    errors.fail(flow, node, token, "timeout", f"{error}: activity {node.id!r}")


def _of_task(remind_or_escalate: Callable[[Flow, Any, int], None]) -> Callable[[Turn, FireTimer], None]:
    def fire(turn: Turn, command: FireTimer) -> None:
        instance = turn.instance(command.instance_id)
        assert instance is not None
        flow = Flow(turn, instance, turn.process_of(instance))
        node = flow.process.activities[command.activity_id]
        assert isinstance(node, UserTaskNode)
        try:
            remind_or_escalate(flow, node, command.execution)
        except (ExpressionError, VariablesError) as error:
            text = f"{flow.process.id}: activity {node.id}: {error}"
            user_task.give_up(flow, node, command.execution, "expression", text)
            errors.fail(flow, node, command.token, "expression", text)
        run(flow)

    return fire


WAITS_OVER: dict[str, Callable[[Flow, Any, Wait, str | None], None]] = {
    "timer": timer.due,
    "action": _no_answer,
}
"""By ``Wait.kind``; a kind without ``due`` has none."""

PURPOSES: dict[str, Callable[[Turn, FireTimer], None]] = {
    WAIT: _wait_is_over,
    SCHEDULE: fire,
    REMINDER: _of_task(user_task.remind),
    ESCALATION: _of_task(user_task.escalate),
    PATTERN: time_passed,
}
"""By ``Timer.purpose``."""
