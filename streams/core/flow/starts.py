"""An instance begins, or waits for its turn: for those of its key before it (``mode: queued``), then for a slot.

    start_process ─► started ─┬─ others of the key run ─► start_queued (key) ─► release_start ─► start_released ─┐
                              └──────────────────────────────────────────────────────────────────────────────────┤
       ┌─────────────────────────────────────────────────────────────────────────────────────────────────────────┘
       ├─ concurrency ─► start_queued (slots), request_slot ─► slot_granted, release_start ─► start_released ─┐
       └───────────────────────────────────────────────────────────────────────────────────────────────────── ┴─► first

A waiting instance is an instance like any other: it can be seen, signalled by its id, suspended and cancelled.
"""

from streams.core.commands import ReleaseStart, RequestSlot, ReturnSlot
from streams.core.flow.flow import Flow
from streams.core.flow.signals import release_signals
from streams.core.state import Instance, Key, key_entity
from streams.core.turn import Turn

KEY, SLOTS = "key", "slots"


def queue(flow: Flow) -> None:
    """Wait for those of the key that came before."""
    flow.emit("start_queued", {"behind": KEY}, flow.process.first)


def begin(flow: Flow) -> None:
    """The key is free: enter the first activity, or ask for a slot.  ``step.run`` follows."""
    release_signals(flow.turn, flow.instance)
    limit = flow.process.definition.concurrency
    if limit is None:
        flow.go(None, flow.process.first)
        return
    flow.emit("start_queued", {"behind": SLOTS, "limit": limit}, flow.process.first)
    instance = flow.instance
    flow.turn.follow_up(RequestSlot(definition_id=instance.definition_id, instance_id=instance.id, limit=limit))


def left(turn: Turn, instance: Instance) -> None:
    """The instance has ended: its slot is free, and the next of its key has its turn."""
    if instance.slot:
        turn.follow_up(ReturnSlot(definition_id=instance.definition_id, instance_id=instance.id))
    key = None if instance.key is None else turn.entities.get(key_entity(instance.key))
    if isinstance(key, Key) and not key.running.get(instance.definition_id):
        for following in key.queued.get(instance.definition_id, [])[:1]:
            turn.follow_up(ReleaseStart(instance_id=following, behind="key"))
