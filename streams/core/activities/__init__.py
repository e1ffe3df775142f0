"""The kinds of activity.  A new one is a file beside these, a line in ``KINDS``, and what it does in ``step``."""

from collections.abc import Mapping
from typing import Any

from streams.core.activities.base import Activity, Continuing, Guarded, Kind, Node, Output, Place, with_options
from streams.core.activities.compensate import COMPENSATE, Compensate, CompensateNode
from streams.core.activities.decision import (
    DECISION,
    AnyDecision,
    Cases,
    CasesNode,
    Decision,
    DecisionNode,
    decision_model,
)
from streams.core.activities.end import END, End, EndNode
from streams.core.activities.foreach import FOREACH, Foreach, ForeachNode
from streams.core.activities.message import MESSAGE, Message, MessageNode
from streams.core.activities.parallel import PARALLEL, Parallel, ParallelNode
from streams.core.activities.rules import RULES, Rules, RulesNode
from streams.core.activities.service import SERVICE, SERVICES, Service, ServiceNode
from streams.core.activities.start import START, Start, StartNode
from streams.core.activities.subprocess import SUBPROCESS, Subprocess, SubprocessNode
from streams.core.activities.timer import TIMER, Timer, TimerNode
from streams.core.activities.transform import TRANSFORM, ListRule, Transform, TransformNode
from streams.core.activities.user_task import USER_TASK, UserTask, UserTaskNode

KINDS: dict[str, Kind] = {
    "start": START,
    "end": END,
    "decision": DECISION,
    "service": SERVICE,
    "timer": TIMER,
    "message": MESSAGE,
    "parallel": PARALLEL,
    "foreach": FOREACH,
    "compensate": COMPENSATE,
    "rules": RULES,
    "transform": TRANSFORM,
    "user_task": USER_TASK,
    "subprocess": SUBPROCESS,
}


def model_of(content: Mapping[str, Any]) -> type[Activity]:
    """The model of an activity, by its ``type`` and ``action``, which are known.  Raises ``KeyError``."""
    kind: str = content["type"]
    if kind == "decision":
        return decision_model(content)
    return SERVICES[content["action"]] if kind == "service" else KINDS[kind].model


def compile_node(model: Activity) -> Node:
    """What the decider walks over."""
    return with_options(KINDS[model.type].compile(model), model)


__all__ = [
    "KINDS",
    "SERVICES",
    "Activity",
    "AnyDecision",
    "Cases",
    "CasesNode",
    "Compensate",
    "CompensateNode",
    "Continuing",
    "Decision",
    "DecisionNode",
    "End",
    "EndNode",
    "Foreach",
    "ForeachNode",
    "Guarded",
    "Kind",
    "ListRule",
    "Message",
    "MessageNode",
    "Node",
    "Output",
    "Parallel",
    "ParallelNode",
    "Place",
    "Rules",
    "RulesNode",
    "Service",
    "ServiceNode",
    "Start",
    "StartNode",
    "Subprocess",
    "SubprocessNode",
    "Timer",
    "TimerNode",
    "Transform",
    "TransformNode",
    "UserTask",
    "UserTaskNode",
    "compile_node",
    "model_of",
]
