"""The schedule of a definition as a command sees it: its entity, and its events."""

from typing import Any

from streams.core.process import Process, UnusableError
from streams.core.schedule import Schedule, schedule_entity
from streams.core.state import VERSION
from streams.core.turn import Turn


def schedule_of(turn: Turn, definition_id: str) -> Schedule:
    """The entity, a new one where there is none."""
    entity = turn.entities.get(schedule_entity(definition_id))
    return entity if isinstance(entity, Schedule) else Schedule(VERSION, definition_id)


def emit(
    turn: Turn,
    entity: Schedule,
    event_type: str,
    data: dict[str, Any],
    version: int | None = None,
    *,
    activity_id: str | None = None,
    message: str | None = None,
) -> Schedule:
    """An event of the schedule, applied; returns the entity as it is then.

    ``version``: the active one, by default; ``activity_id`` is the place of a trigger in the definition.
    """
    subject = schedule_entity(entity.id)
    definition = (entity.id, entity.version if version is None else version)
    last = (entity.seq, entity.updated_at)
    turn.emit_outside(subject, last, event_type, definition, data, activity_id, message)
    return schedule_of(turn, entity.id)


def active_process(turn: Turn, entity: Schedule) -> Process | None:
    """The active version; where it cannot be used, the schedule stops, and says so."""
    try:
        process = turn.around.process(entity.id, entity.version)
        why = f"version {entity.version} of {entity.id} is gone"
    except UnusableError as error:
        process, why = None, str(error)
    if process is None:
        emit(turn, entity, "schedule_stopped", {"reason": why})
    return process
