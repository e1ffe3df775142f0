"""``message``: waits for a message by its name; one that the instance holds is taken at once, the oldest first.

With a ``correlation`` it subscribes to messages under that key, wherever they are published; a signal to the instance
itself serves as well.
"""

from typing import Any

from streams.core.activities import MessageNode
from streams.core.expressions import Expression, ExpressionError
from streams.core.flow import children
from streams.core.flow.flow import WAITS, Flow
from streams.core.ids import key_text
from streams.core.places import place_of, split_place


def enter(flow: Flow, node: MessageNode, token: str | None) -> str | None:
    """Wait, unless the message is there already."""
    execution = flow.begin(node, "message", token)
    data: dict[str, Any] = {"name": node.message, "execution": execution}
    if node.correlation is not None:
        data["correlation"] = _key(flow, node.correlation, token)
    flow.emit("message_awaited", data, node.id, token)
    place = place_of(node.id, token)
    children.subscribe(flow.turn, flow.instance, place, flow.instance.waiting[place])
    if any(held.name == node.message for held in flow.instance.signals):
        return take(flow, node, token)
    return WAITS


def _key(flow: Flow, correlation: Expression, token: str | None) -> str:
    flow.refresh(correlation.names, token)
    value = correlation.evaluate(flow.variables(token))
    if (key := key_text(value)) is None:
        raise ExpressionError(
            f"Expected a text or a number as correlation key, but {correlation.text!r} is {value!r:.80}"
        )
    return key


def take_held(flow: Flow) -> None:
    """Give what came while the instance did not run to the activities that wait for it."""
    for place, wait in list(flow.instance.waiting.items()):
        if wait.kind == "message" and any(held.name == wait.name for held in flow.instance.signals):
            activity_id, token = split_place(place)
            node = flow.process.activities[activity_id]
            assert isinstance(node, MessageNode)
            flow.go(token, take(flow, node, token))


def take(flow: Flow, node: MessageNode, token: str | None, *, delivered: bool = False) -> str | None:
    """Give the oldest held signal of the awaited name to the waiting activity; returns the next activity.

    ``delivered``: its correlation key has sent it, and so knows that the activity waits no more.
    """
    place = place_of(node.id, token)
    wait = flow.instance.waiting[place]
    held, execution = next(one for one in flow.instance.signals if one.name == wait.name), wait.execution
    flow.emit("activity_completed", {"execution": execution, "output": held.payload}, node.id, token)
    if not delivered:
        children.unsubscribe(flow.turn, flow.instance, place, wait)
    flow.store(node.output.of(held.payload), token)
    return flow.leave(node, execution, token)
