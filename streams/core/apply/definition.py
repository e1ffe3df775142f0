"""Appliers for a process definition."""

from streams.core.events import Event
from streams.core.state import DefinitionVersions


def deployed(entity: DefinitionVersions, event: Event) -> None:
    """A version is known from here on, and never changes."""
    entity.hashes = {**entity.hashes, event.definition_version: event.data["hash"]}
