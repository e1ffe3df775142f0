"""Moving an instance through its process: each token enters activities one after the other until it waits or ends.

What entering does is in ``flow/``, one file a kind.  It emits what happens and returns the id of the next activity, or
``None`` at the end of the body, or ``WAITS``.
"""

import math
from collections.abc import Callable
from typing import Any

from streams.core.activities import (
    CasesNode,
    CompensateNode,
    DecisionNode,
    EndNode,
    ForeachNode,
    MessageNode,
    Node,
    ParallelNode,
    RulesNode,
    ServiceNode,
    StartNode,
    SubprocessNode,
    TimerNode,
    TransformNode,
    UserTaskNode,
)
from streams.core.activities.base import END_OF_BODY
from streams.core.commands import Continue
from streams.core.expressions import Expression, ExpressionError
from streams.core.expressions.cost import ACTIVITY_BUDGET, COMMAND_BUDGET, METER
from streams.core.flow import (
    branches,
    compensate,
    decision,
    end,
    ends,
    errors,
    foreach,
    message,
    parallel,
    rules,
    service,
    start,
    subprocess,
    timer,
    transform,
    user_task,
)
from streams.core.flow.flow import WAITS, Flow
from streams.core.process import VariablesError

MAX_STEPS_A_COMMAND = 1_000

Enter = Callable[[Flow, Any, str | None], str | None]

ENTER: dict[type[Node], Enter] = {
    StartNode: start.enter,
    SubprocessNode: subprocess.enter,
    EndNode: end.enter,
    DecisionNode: decision.enter,
    CasesNode: decision.enter_cases,
    ServiceNode: service.enter,
    TimerNode: timer.enter,
    MessageNode: message.enter,
    ParallelNode: parallel.enter,
    ForeachNode: foreach.enter,
    CompensateNode: compensate.enter,
    RulesNode: rules.enter,
    TransformNode: transform.enter,
    UserTaskNode: user_task.enter,
}


def run(flow: Flow) -> None:
    """Work off what is ahead of ``flow``'s tokens, until all of them wait or the instance has ended.

    One command enters so many activities; the tokens that have more ahead yield, and a follow-up goes on with them.
    What it has passed without entering it counts as steps then: else a loop of activities that are skipped, or whose
    conditions fail, would have no end.  Tokens yield as well once expressions have taken long: others wait, too.
    """
    METER.spent = 0.0
    try:
        _run(flow)
    finally:
        METER.most = math.inf


def _run(flow: Flow) -> None:
    instance, activities, ahead = flow.instance, flow.process.activities, flow.ahead
    max_steps = flow.process.definition.max_steps
    left, passed, yielded = MAX_STEPS_A_COMMAND, 0, False
    while ahead and instance.status == "running":
        token, at = ahead.popleft()
        while at is not WAITS:
            if at is None or (at == END_OF_BODY and token is not None):
                assert token is not None  # the process itself ends with an activity
                branches.ended(flow, token)
                break
            node = activities[at]
            if instance.steps >= max_steps:
                text = f"Expected at most {max_steps} steps: does the process loop?"
                flow.stand()
                ends.fail(flow.turn, instance, "too_many_steps", text, at, token)
                return
            if not left or METER.spent > COMMAND_BUDGET:
                counted = {"passed": passed} if passed else {}
                flow.emit("yielded", {"execution": instance.steps, **counted}, at, token)
                passed, yielded = 0, True
                break
            left, entered = left - 1, instance.steps
            METER.most = METER.spent + ACTIVITY_BUDGET
            try:
                if node.when is not None and not _is_wanted(flow, node, node.when, token):
                    passed += 1
                    at = node.next
                    continue
                at = ENTER[type(node)](flow, node, token)
            except (ExpressionError, VariablesError) as error:
                passed += instance.steps == entered
                errors.fail(flow, node, token, "expression", f"{flow.process.id}: activity {at}: {error}")
                break
    if yielded and instance.status == "running":
        flow.turn.follow_up(Continue(instance_id=instance.id))


def _is_wanted(flow: Flow, node: Node, when: Expression, token: str | None) -> bool:
    flow.refresh(when.names, token)
    if when.test(flow.variables(token)):
        return True
    flow.emit("activity_skipped", {"condition": when.text}, node.id, token)
    return False
