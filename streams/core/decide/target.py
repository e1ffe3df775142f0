"""Finding the instances that a command is about."""

from collections.abc import Collection
from typing import Protocol

from streams.core.ids import check_instance_id
from streams.core.state import BROKEN, UNENDED, Finished, Instance, key_entity
from streams.core.turn import Turn

RUNNING = frozenset({"running"})
KEPT = UNENDED | BROKEN
"""Something may still become of it."""


class Targeted(Protocol):
    """A command about one instance, or about those that run for a key; ``definition_id`` narrows them."""

    @property
    def instance_id(self) -> str | None: ...

    @property
    def key(self) -> str | None: ...

    @property
    def definition_id(self) -> str | None: ...


def target_instance(turn: Turn, instance_id: str, verb: str, statuses: Collection[str] = RUNNING) -> Instance | None:
    """The instance, or ``None`` after rejecting a command to ``verb`` one that is unknown or of another status."""
    subject = check_instance_id(instance_id)
    entity = turn.entities.get(subject)
    if isinstance(entity, Instance) and entity.status in statuses:
        return entity
    if isinstance(entity, Instance | Finished):
        turn.reject("not_running", f"Cannot {verb} instance {subject}: it is {entity.status}", subject)
    else:
        turn.reject(
            "unknown_instance", f"Cannot {verb} instance {subject}: there is none, or it ended long ago", subject
        )
    return None


def target_instances(turn: Turn, command: Targeted, verb: str, statuses: Collection[str]) -> list[Instance]:
    """The one that the command names, or all of its key; none after rejecting it."""
    if command.instance_id is not None:
        instance = target_instance(turn, command.instance_id, verb, statuses)
        return [] if instance is None else [instance]
    of_key = turn.queued_of_key(command.key, command.definition_id) + turn.running_of_key(
        command.key, command.definition_id
    )
    found = [one for one in of_key if one.status in statuses]
    if not found:
        what = command.definition_id or "instance"
        states = " or ".join(sorted(UNENDED.intersection(statuses)))
        text = f"Cannot {verb}: no {what} is {states} for key {command.key!r}"
        turn.reject("unknown_instance", text, key_entity(command.key or ""))
    return found
