"""A running instance waits for something that can come: a timer, an action's answer, a message it does not hold yet."""

from streams.core.state import Entity, Instance


def check(entity: Entity) -> str | None:
    """A command runs its instance to the next wait, so between two commands there is one."""
    if not isinstance(entity, Instance) or entity.status != "running":
        return None
    if not entity.waiting:
        return "waiting: expected a timer, an action or a message, but a running instance waits for nothing"
    held = {signal.name for signal in entity.signals}
    for activity_id, wait in entity.waiting.items():
        if wait.kind == "message" and wait.name in held:
            return f"waiting: expected {activity_id!r} to take the message {wait.name!r}, which the instance holds"
    return None
