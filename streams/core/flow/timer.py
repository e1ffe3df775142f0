"""``timer``: waits until a moment of plant time."""

from streams.core.activities import TimerNode
from streams.core.durations import instant_text, parse_duration_ms
from streams.core.expressions import ExpressionError
from streams.core.flow.flow import WAITS, Flow
from streams.core.state import Wait
from streams.core.wall_times import next_wall_time_ms


def enter(flow: Flow, node: TimerNode, token: str | None) -> str | None:
    """Set the timer."""
    execution = flow.begin(node, "timer", token)
    now = flow.now_ms
    due = _due(flow, node, token) if node.duration_ms is None else now + node.duration_ms
    data = {"due": instant_text(due), "duration_ms": due - now, "execution": execution}
    flow.emit("timer_started", data, node.id, token)
    return WAITS


def _due(flow: Flow, node: TimerNode, token: str | None) -> int:
    """The moment that the expressions tell, not before now: Unix ms.  Raises ``ExpressionError``."""
    flow.refresh(node.asked.names, token)
    ((name, text),) = node.asked.render(flow.variables(token)).items()
    now = flow.now_ms
    try:
        due = now + parse_duration_ms(text) if name == "duration" else next_wall_time_ms(text, now, node.zone)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"{name}: {error}") from None
    return max(due, now)


def due(flow: Flow, node: TimerNode, wait: Wait, token: str | None) -> None:
    """The moment has come: go on."""
    flow.emit("timer_fired", {"execution": wait.execution}, node.id, token)
    flow.go(token, flow.leave(node, wait.execution, token))
