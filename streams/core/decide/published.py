"""Records for the topic ``process-definitions``, from which every role learns what is deployed and what is active.

| record     | key          | when                                                    |
|------------|--------------|---------------------------------------------------------|
| version    | `id:version` | once, when the version is deployed                      |
| activation | `id`         | whenever it changes; the last one of a definition holds |

A definition that nobody has activated or deactivated has no activation: its newest version is active.
"""

from typing import Any

import msgspec

from streams.core.commands import DeployDefinition, Origin, SetSchedule
from streams.core.definition import ProcessDefinition
from streams.core.durations import instant_text
from streams.core.state import DefinitionVersions
from streams.core.turn import Turn

VERSION_FORMAT = 1
ACTIVATION_FORMAT = 2
"""Above the first: a Weir that knows no activations must say "upgrade", not start what is switched off."""
ACTIVATION = "activation"


def version_record(definition: ProcessDefinition, command: DeployDefinition, now_ms: int) -> dict[str, Any]:
    """A deployed version; ``deployed_at`` is plant time."""
    record = {
        "v": VERSION_FORMAT,
        "id": definition.id,
        "version": definition.version,
        "hash": definition.hash,
        "name": definition.name,
        "definition": definition.model_dump(mode="json"),
        "deployed_at": instant_text(now_ms),
        **origin_data(command.origin),
    }
    return record if command.source is None else {**record, "source": command.source}


def publish_activation(turn: Turn, subject: str) -> None:
    """Tell what is active of the definition now, where that does not follow from its versions alone, or did not.

    Its schedule is told as well.
    """
    entity = turn.entities.get(subject)
    assert isinstance(entity, DefinitionVersions)
    if entity.scheduled:
        turn.follow_up(SetSchedule(definition_id=entity.id, definition_version=entity.active))
    if entity.seq == len(entity.hashes):  # there were no other events than deployments
        return
    record = {
        "v": ACTIVATION_FORMAT,
        "kind": ACTIVATION,
        "id": entity.id,
        "active": entity.active,
        "off": None if entity.off is None else {"reason": entity.off.reason, "pruned": entity.off.pruned},
        "retired": entity.retired,
        "changed_at": instant_text(entity.updated_at),
    }
    turn.published.append(record)


def record_key(record: dict[str, Any]) -> str:
    """The key under which the topic keeps the record."""
    definition_id: str = record["id"]
    return definition_id if record.get("kind") == ACTIVATION else f"{definition_id}:{record['version']}"


def origin_data(origin: Origin | None) -> dict[str, Any]:
    """For the data of an event, or a record."""
    return {} if origin is None else {"origin": msgspec.to_builtins(origin)}
