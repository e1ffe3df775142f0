"""A key holds no message for an instance that runs: a message that comes early waits, and none is left behind."""

from streams.core.state import Entity, Key


def check(entity: Entity) -> str | None:
    """A start takes all messages that wait for it, and those that come later go to the instance."""
    if not isinstance(entity, Key):
        return None
    for signal in entity.signals:
        if signal.definition_id is None and entity.running:
            return f"signals: expected a running instance to have received {signal.name!r}, but the key still holds it"
        if signal.definition_id in entity.running:
            return (
                f"signals: expected {signal.definition_id} to have received {signal.name!r}, but the key still holds it"
            )
    return None
