"""``activate_definition``: one version of a definition starts instances, and no other does."""

from streams.core.commands import ActivateDefinition
from streams.core.decide.published import origin_data, publish_activation
from streams.core.decide.versions import deployed_versions
from streams.core.decide.watch_keys import have_active_keys_watched
from streams.core.state import definition_entity
from streams.core.turn import Turn


def activate_definition(turn: Turn, command: ActivateDefinition) -> None:
    """Activate a version: to roll back, an earlier one."""
    entity = deployed_versions(turn, command.definition_id, command.version)
    if entity is None:
        return
    version = entity.preferred if command.version is None else command.version
    subject = definition_entity(entity.id)
    if version is None:
        message = f"Every version of {entity.id} is deactivated. Name the one to activate, such as {entity.latest}"
        turn.reject("no_version", message, subject)
        return
    if entity.active == version:
        turn.reject("unchanged", f"{entity.id} version {version} is active already", subject)
        return
    data = {"version": version, "reason": command.reason, **origin_data(command.origin)}
    turn.emit_outside(subject, (entity.seq, entity.updated_at), "definition_activated", (entity.id, version), data)
    publish_activation(turn, subject)
    have_active_keys_watched(turn, entity)
