"""``deactivate_definition``: a definition, or one version of it, starts nothing any more.  What runs goes on."""

from streams.core.commands import DeactivateDefinition
from streams.core.decide.published import origin_data, publish_activation
from streams.core.decide.versions import deployed_versions
from streams.core.decide.watch_keys import have_active_keys_watched
from streams.core.state import definition_entity
from streams.core.turn import Turn


def deactivate_definition(turn: Turn, command: DeactivateDefinition) -> None:
    """Deactivate all of it, until it is activated; or one version: then the newest of the others is active."""
    entity = deployed_versions(turn, command.definition_id, command.version)
    if entity is None:
        return
    subject = definition_entity(entity.id)
    over = entity.off is not None if command.version is None else command.version in entity.retired
    if over:
        what = entity.id if command.version is None else f"{entity.id} version {command.version}"
        turn.reject("unchanged", f"{what} is deactivated already", subject)
        return
    data = {
        "version": command.version,
        "reason": command.reason,
        "pruned": command.pruned,
        **origin_data(command.origin),
    }
    last, definition = (entity.seq, entity.updated_at), (entity.id, command.version or entity.active or 0)
    turn.emit_outside(subject, last, "definition_deactivated", definition, data)
    publish_activation(turn, subject)
    have_active_keys_watched(turn, entity)
