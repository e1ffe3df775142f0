"""``deliver``: a message comes to the activity that subscribed to it.  Where that waits no more, it goes back."""

from streams.core.activities import MessageNode
from streams.core.commands import Deliver
from streams.core.decide.target import KEPT, target_instance
from streams.core.flow import message
from streams.core.flow.flow import Flow
from streams.core.flow.held import STILL, hold, is_held
from streams.core.places import place_of
from streams.core.step import run
from streams.core.turn import Turn


def deliver(turn: Turn, command: Deliver) -> None:
    """Hand the message over, and let the instance go on."""
    instance = target_instance(turn, command.instance_id, "deliver a message to", KEPT)
    if instance is None:
        return
    wait = instance.waiting.get(place_of(command.activity_id, command.token))
    held = is_held(instance, command.activity_id, command.token)
    asked = ("message", command.name, command.execution)
    if wait is None or (wait.kind, wait.name, wait.execution) != asked or held:
        text = f"Instance {instance.id} does not wait for message {command.name!r} at {command.activity_id!r} any more"
        turn.reject("not_awaited", text, instance.id)
        return
    if instance.status in STILL:
        hold(turn, instance, command, command.activity_id, command.token)
        return
    process = turn.process_of(instance)
    node = process.activities[command.activity_id]
    assert isinstance(node, MessageNode)
    flow = Flow(turn, instance, process)
    flow.emit("signal_received", {"name": command.name, "payload": command.payload})
    flow.go(command.token, message.take(flow, node, command.token, delivered=True))
    run(flow)
