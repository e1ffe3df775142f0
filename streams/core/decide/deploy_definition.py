"""``deploy_definition``: a new version of a process becomes known.  A version never changes."""

from streams.core.commands import DeployDefinition
from streams.core.decide.published import origin_data, publish_activation, version_record
from streams.core.decide.watch_keys import have_keys_watched
from streams.core.definition import ProcessDefinition
from streams.core.parse import DefinitionError, validate_definition
from streams.core.state import DefinitionVersions, definition_entity
from streams.core.turn import Turn


def deploy_definition(turn: Turn, command: DeployDefinition) -> None:
    """Check the definition once more, record that it is deployed, and hand it out for ``process-definitions``."""
    try:
        definition = validate_definition(command.definition)
    except DefinitionError as error:
        turn.reject("invalid_definition", str(error))
        return
    if (unheard := definition.unheard(turn.around.telemetry_topics, turn.around.mqtt_routes)) is not None:
        turn.reject("undeclared_topic", f"{definition.id}: {unheard}")
        return
    subject = definition_entity(definition.id)
    entity = turn.entities.get(subject)
    last = (entity.seq, entity.updated_at) if isinstance(entity, DefinitionVersions) else (0, 0)
    hashes = entity.hashes if isinstance(entity, DefinitionVersions) else {}
    if (refusal := _refusal(definition, hashes)) is not None:
        turn.reject(*refusal, subject)
        return
    data = {"name": definition.name, "hash": definition.hash, **origin_data(command.origin)}
    if definition.scheduled:
        data["scheduled"] = True
    turn.emit_outside(subject, last, "definition_deployed", (definition.id, definition.version), data)
    turn.published.append(version_record(definition, command, turn.now_ms))
    publish_activation(turn, subject)
    have_keys_watched(turn, definition)


def _refusal(definition: ProcessDefinition, hashes: dict[int, str]) -> tuple[str, str] | None:
    known = hashes.get(definition.version)
    if known == definition.hash:
        return "unchanged", f"{definition.id} version {definition.version} is deployed already, with this content"
    if known is not None:
        return (
            "version_exists",
            (
                f"{definition.id} version {definition.version} is deployed already, with other content. "
                f"Give the new content version {max(hashes) + 1}"
            ),
        )
    if hashes and definition.version < max(hashes):
        newest = max(hashes)
        return (
            "version_too_old",
            f"{definition.id} has version {newest} already. Expected a version above it, but got {definition.version}",
        )
    return None
