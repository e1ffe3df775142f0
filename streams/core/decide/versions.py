"""Finding the definition that a command is about."""

from streams.core.state import DefinitionVersions, definition_entity
from streams.core.turn import Turn


def deployed_versions(turn: Turn, definition_id: str, version: int | None) -> DefinitionVersions | None:
    """What is deployed of the definition; ``None`` after rejecting a command about one, or a version, that is not."""
    subject = definition_entity(definition_id)
    entity = turn.entities.get(subject)
    if not isinstance(entity, DefinitionVersions):
        turn.reject("unknown_definition", f"No definition {definition_id!r} is deployed")
        return None
    if version is not None and version not in entity.hashes:
        known = ", ".join(map(str, sorted(entity.hashes)))
        message = f"Expected a deployed version of {definition_id}, but got {version}: there are {known}"
        turn.reject("unknown_definition", message, subject)
        return None
    return entity
