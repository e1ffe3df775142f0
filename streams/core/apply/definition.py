"""Appliers for a process definition."""

from streams.core.events import Event
from streams.core.state import DefinitionVersions, Off


def deployed(entity: DefinitionVersions, event: Event) -> None:
    """A version is known from here on, and never changes.  As the newest it is the one to start, unless all is off."""
    entity.hashes = {**entity.hashes, event.definition_version: event.data["hash"]}
    entity.chosen = 0
    entity.scheduled = entity.scheduled or event.data.get("scheduled", False)


def activated(entity: DefinitionVersions, event: Event) -> None:
    """The version, and only it, starts instances."""
    version = event.data["version"]
    entity.off = None
    entity.chosen = version
    entity.retired = [one for one in entity.retired if one != version]


def deactivated(entity: DefinitionVersions, event: Event) -> None:
    """The definition, or the one version, starts nothing any more."""
    version = event.data["version"]
    if version is None:
        entity.off = Off(event.data["reason"], event.data["pruned"])
        return
    entity.retired = [*entity.retired, version]
    if entity.chosen == version:
        entity.chosen = 0
