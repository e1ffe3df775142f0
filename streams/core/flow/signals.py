"""Signals that came before an instance, and wait with its key."""

from streams.core.state import HeldSignal, Instance, Key, key_entity
from streams.core.turn import Turn


def release_signals(turn: Turn, instance: Instance) -> None:
    """Signals that came before the start go to the instance, in the order in which they came."""
    if instance.key is None:
        return
    subject = key_entity(instance.key)
    entity = turn.entities.get(subject)
    definition = (instance.definition_id, instance.definition_version)
    at = 0
    while isinstance(entity, Key) and at < len(entity.signals):
        held = entity.signals[at]
        event_type = _fate(held, instance, turn.now_ms)
        if event_type is None:
            at += 1
            continue
        data = {"index": at, "name": held.name, "instance_id": instance.id}
        turn.emit_outside(subject, (entity.seq, entity.updated_at), event_type, definition, data)
        if event_type == "signal_released":
            turn.emit(instance, "signal_received", {"name": held.name, "payload": held.payload})
        entity = turn.entities.get(subject)


def _fate(held: HeldSignal, instance: Instance, now_ms: int) -> str | None:
    if held.expires is not None and held.expires <= now_ms:
        return "signal_expired"
    return "signal_released" if held.definition_id in (None, instance.definition_id) else None
