"""``timer``: waits until a moment of plant time."""

from streams.core.activities import TimerNode
from streams.core.durations import instant_text
from streams.core.flow.flow import WAITS, Flow
from streams.core.state import Wait


def enter(flow: Flow, node: TimerNode, token: str | None) -> str | None:
    """Set the timer."""
    execution = flow.begin(node, "timer", token)
    due = flow.now_ms + node.duration_ms
    data = {"due": instant_text(due), "duration_ms": node.duration_ms, "execution": execution}
    flow.emit("timer_started", data, node.id, token)
    return WAITS


def due(flow: Flow, node: TimerNode, wait: Wait, token: str | None) -> None:
    """The moment has come: go on."""
    flow.emit("timer_fired", {"execution": wait.execution}, node.id, token)
    flow.go(token, flow.leave(node, wait.execution, token))
