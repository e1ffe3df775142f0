"""``signal``: a message for an instance, or for whatever runs for a key, now or soon."""

from streams.core.activities import MessageNode
from streams.core.commands import Signal
from streams.core.decide.target import target_instance
from streams.core.flow import message
from streams.core.flow.flow import Flow
from streams.core.flow.held import STILL
from streams.core.places import split_place
from streams.core.state import UNENDED, Instance, Key, key_entity
from streams.core.step import run
from streams.core.turn import Turn

HELD_MS = 3_600_000
"""How long a signal waits with its key for an instance to start."""
MAX_HELD = 100


def signal(turn: Turn, command: Signal) -> None:
    """Hand the signal to each target; one that is waiting for it goes on."""
    if command.instance_id is not None:
        instance = target_instance(turn, command.instance_id, "signal", UNENDED)
        if instance is None:
            return
        instances = [instance]
    else:
        instances = turn.running_of_key(command.key, command.definition_id)
        if not instances:
            _hold(turn, command)
            return
    full = next((one for one in instances if len(one.signals) >= MAX_HELD), None)
    if full is not None:
        why = f"Instance {full.id} holds {MAX_HELD} signals that no activity has taken"
        turn.reject("too_many_signals", why, full.id)
        return
    for instance in instances:
        _receive(turn, instance, command)


def _receive(turn: Turn, instance: Instance, command: Signal) -> None:
    turn.emit(instance, "signal_received", {"name": command.name, "payload": command.payload})
    if instance.status in STILL:
        return
    for place, wait in instance.waiting.items():
        if wait.kind == "message" and wait.name == command.name:
            process = turn.process_of(instance)
            activity_id, token = split_place(place)
            node = process.activities[activity_id]
            assert isinstance(node, MessageNode)
            flow = Flow(turn, instance, process)
            flow.go(token, message.take(flow, node, token))
            run(flow)
            return


def _hold(turn: Turn, command: Signal) -> None:
    assert command.key is not None
    subject = key_entity(command.key)
    entity = turn.entities.get(subject)
    key = entity if isinstance(entity, Key) else Key(1, command.key)
    live = [held for held in key.signals if held.expires is None or held.expires > turn.now_ms]
    if len(live) >= MAX_HELD:
        why = f"Key {command.key!r} holds {MAX_HELD} signals already, and nothing runs for it"
        turn.reject("too_many_signals", why, subject)
        return
    data = {"name": command.name, "payload": command.payload, "expires_ms": turn.now_ms + HELD_MS}
    if command.definition_id is not None:
        data["definition_id"] = command.definition_id
    definition = (command.definition_id or "", 0)
    turn.emit_outside(subject, (key.seq, key.updated_at), "signal_buffered", definition, data)
