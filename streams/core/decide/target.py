"""Finding the instance that a command is about."""

from streams.core.ids import check_instance_id
from streams.core.state import Finished, Instance
from streams.core.turn import Turn


def target_instance(turn: Turn, instance_id: str, verb: str, *, failed_too: bool = False) -> Instance | None:
    """The instance, or ``None`` after rejecting a command to ``verb`` one that is unknown or has ended."""
    subject = check_instance_id(instance_id)
    entity = turn.entities.get(subject)
    if isinstance(entity, Instance) and (entity.status == "running" or (failed_too and entity.status == "failed")):
        return entity
    if isinstance(entity, Instance | Finished):
        turn.reject("not_running", f"Cannot {verb} instance {subject}: it is {entity.status}", subject)
    else:
        turn.reject(
            "unknown_instance", f"Cannot {verb} instance {subject}: there is none, or it ended long ago", subject
        )
    return None
