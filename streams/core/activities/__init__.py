"""The kinds of activity.  A new one is a file beside these, a line in ``KINDS``, and what it does in ``step``."""

from streams.core.activities.base import Activity, Continuing, Kind, Node, Output, Place
from streams.core.activities.decision import DECISION, Decision, DecisionNode
from streams.core.activities.end import END, End, EndNode
from streams.core.activities.message import MESSAGE, Message, MessageNode
from streams.core.activities.rules import RULES, Rules, RulesNode
from streams.core.activities.service import SERVICE, SERVICES, Service, ServiceNode
from streams.core.activities.start import START, Start, StartNode
from streams.core.activities.timer import TIMER, Timer, TimerNode
from streams.core.activities.transform import TRANSFORM, ListRule, Transform, TransformNode

KINDS: dict[str, Kind] = {
    "start": START,
    "end": END,
    "decision": DECISION,
    "service": SERVICE,
    "timer": TIMER,
    "message": MESSAGE,
    "rules": RULES,
    "transform": TRANSFORM,
}

__all__ = [
    "KINDS",
    "SERVICES",
    "Activity",
    "Continuing",
    "Decision",
    "DecisionNode",
    "End",
    "EndNode",
    "Kind",
    "ListRule",
    "Message",
    "MessageNode",
    "Node",
    "Output",
    "Place",
    "Rules",
    "RulesNode",
    "Service",
    "ServiceNode",
    "Start",
    "StartNode",
    "Timer",
    "TimerNode",
    "Transform",
    "TransformNode",
]
