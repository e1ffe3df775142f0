"""What a timer does when its moment has come: by its purpose, and by the kind of wait for a wait's own."""

from collections.abc import Callable
from typing import Any

from streams.core.activities import UserTaskNode
from streams.core.commands import FireTimer
from streams.core.due import ESCALATION, EXPIRY, PATTERN, POLL, PROCESS_TIMEOUT, REMINDER, SCHEDULE, TIMEOUT, WAIT
from streams.core.expressions import ExpressionError
from streams.core.flow import children, ends, errors, service, timer, user_task
from streams.core.flow.cancelling import cancel_within, give_up
from streams.core.flow.flow import Flow
from streams.core.mailboxes import expire
from streams.core.matching import time_passed
from streams.core.places import place_of
from streams.core.process import VariablesError
from streams.core.scalars import duration_text
from streams.core.schedules.fire import fire
from streams.core.schedules.rows import poll
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


def _activity_timeout(turn: Turn, command: FireTimer) -> None:
    """Give up what goes on at the activity and within it."""
    instance, token = turn.instance(command.instance_id), command.token
    assert instance is not None
    process = turn.process_of(instance)
    node = process.activities[command.activity_id]
    flow = Flow(turn, instance, process)
    if (scope_id := str(command.execution)) in instance.scopes:
        cancel_within(flow, scope_id)
    place = place_of(node.id, token)
    if (wait := instance.waiting.get(place)) is not None:
        give_up(flow, place, wait)
    error = f"Activity {node.id!r} was not done in {duration_text(node.limit_ms or 0)}"
    data = {"execution": command.execution, "error_type": errors.TIMEOUT, "error": error}
    flow.emit("activity_failed", data, node.id, token, error)
    if wait is not None:
        children.abandon(turn, instance, {place: wait})
    errors.fail(flow, node, token, errors.TIMEOUT, error)
    run(flow)


def _process_timeout(turn: Turn, command: FireTimer) -> None:
    instance = turn.instance(command.instance_id)
    assert instance is not None
    passed = duration_text(command.due_ms - instance.started_at)
    ends.time_out(turn, instance, f"The process was not done in {passed}")


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
    "action": service.no_answer,
    "retry": service.again,
}
"""By ``Wait.kind``; a kind without ``due`` has none."""

PURPOSES: dict[str, Callable[[Turn, FireTimer], None]] = {
    WAIT: _wait_is_over,
    SCHEDULE: fire,
    POLL: poll,
    REMINDER: _of_task(user_task.remind),
    ESCALATION: _of_task(user_task.escalate),
    PATTERN: time_passed,
    TIMEOUT: _activity_timeout,
    PROCESS_TIMEOUT: _process_timeout,
    EXPIRY: expire,
}
"""By ``Timer.purpose``."""
