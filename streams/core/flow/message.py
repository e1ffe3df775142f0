"""``message``: waits for a signal by its name; one that the instance holds is taken at once, the oldest first."""

from streams.core.activities import MessageNode
from streams.core.flow.flow import WAITS, Flow
from streams.core.places import place_of, split_place


def enter(flow: Flow, node: MessageNode, token: str | None) -> str | None:
    """Wait, unless the message is there already."""
    execution = flow.begin(node, "message", token)
    flow.emit("message_awaited", {"name": node.message, "execution": execution}, node.id, token)
    if any(held.name == node.message for held in flow.instance.signals):
        return take(flow, node, token)
    return WAITS


def take_held(flow: Flow) -> None:
    """Give what came while the instance did not run to the activities that wait for it."""
    for place, wait in list(flow.instance.waiting.items()):
        if wait.kind == "message" and any(held.name == wait.name for held in flow.instance.signals):
            activity_id, token = split_place(place)
            node = flow.process.activities[activity_id]
            assert isinstance(node, MessageNode)
            flow.go(token, take(flow, node, token))


def take(flow: Flow, node: MessageNode, token: str | None) -> str | None:
    """Give the oldest held signal of the awaited name to the waiting activity; returns the next activity."""
    held = next(one for one in flow.instance.signals if one.name == node.message)
    execution = flow.instance.waiting[place_of(node.id, token)].execution
    flow.emit("activity_completed", {"execution": execution, "output": held.payload}, node.id, token)
    flow.store(node.output.of(held.payload), token)
    return flow.leave(node, execution, token)
