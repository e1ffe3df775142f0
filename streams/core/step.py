"""Moving an instance through its process: each token enters activities one after the other until it waits or ends.

What entering does is in ``flow/``, one file a kind.  It emits what happens and returns the id of the next activity, or
``None`` at the end of the body, or ``WAITS``.
"""

from collections.abc import Callable
from typing import Any

from streams.core.activities import (
    DecisionNode,
    EndNode,
    MessageNode,
    Node,
    RulesNode,
    ServiceNode,
    StartNode,
    TimerNode,
    TransformNode,
    UserTaskNode,
)
from streams.core.expressions import ExpressionError
from streams.core.flow import decision, end, ends, errors, message, rules, service, start, timer, transform, user_task
from streams.core.flow.flow import WAITS, Flow
from streams.core.process import VariablesError

MAX_STEPS = 10_000
MAX_STEPS_A_COMMAND = 1_000

Enter = Callable[[Flow, Any, str | None], str | None]

ENTER: dict[type[Node], Enter] = {
    StartNode: start.enter,
    EndNode: end.enter,
    DecisionNode: decision.enter,
    ServiceNode: service.enter,
    TimerNode: timer.enter,
    MessageNode: message.enter,
    RulesNode: rules.enter,
    TransformNode: transform.enter,
    UserTaskNode: user_task.enter,
}


def run(flow: Flow) -> None:
    """Work off what is ahead of ``flow``'s tokens, until all of them wait or the instance has ended."""
    instance, activities, ahead = flow.instance, flow.process.activities, flow.ahead
    left = MAX_STEPS_A_COMMAND
    while ahead:
        token, at = ahead.popleft()
        while at is not WAITS:
            if at is None:
                ends.complete(flow.turn, instance)
                return
            node = activities[at]
            if instance.steps >= MAX_STEPS:
                text = f"Expected at most {MAX_STEPS} steps: does the process loop?"
                errors.fail(flow, node, token, "too_many_steps", text)
                return
            if not left:
                text = f"Expected a wait within {MAX_STEPS_A_COMMAND} steps of one command"
                errors.fail(flow, node, token, "too_many_steps", text)
                return
            left -= 1
            try:
                at = ENTER[type(node)](flow, node, token)
            except (ExpressionError, VariablesError) as error:
                errors.fail(flow, node, token, "expression", f"{flow.process.id}: activity {at}: {error}")
                break
        if instance.status != "running":
            return
