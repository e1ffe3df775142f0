"""What became of the instances of a plant, as people look at it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core.events import Event
from streams.core.state import Finished, Instance
from streams.folding import Fold
from weir.testkit.plant import Effect, VirtualPlant


@dataclass(slots=True)
class Observed:
    """An instance: ``path`` are the activities that it has entered, in order, without ``start`` and ``end``.

    ``variables`` are those it has, or had when it ended.  ``messages`` are what its history says to people, and what
    ``notify`` has told them.
    """

    id: str
    process: str
    key: str | None
    status: str = "running"
    path: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def observe(plant: VirtualPlant) -> list[Observed]:
    """Every instance that has started, in the order of their starts."""
    return observed(plant.events, plant.effects)


def observed(events: Sequence[Event], effects: Iterable[Effect]) -> list[Observed]:
    """What the events and actions of a plant tell, whichever it is."""
    found = _of_events(events)
    for effect in effects:
        if effect.action == "notify" and effect.outcome == "completed" and effect.instance_id in found:
            found[effect.instance_id].messages.append(effect.config["message"])
    return list(found.values())


def _of_events(events: Sequence[Event]) -> dict[str, Observed]:
    fold = Fold()
    found: dict[str, Observed] = {}
    for event in events:
        fold.take(event)
        if event.type == "started":
            found[event.subject] = Observed(event.subject, event.definition_id, event.data.get("key"))
        one = found.get(event.subject)
        if one is None:
            continue
        if event.type == "activity_started" and event.activity_id is not None:
            one.path.append(event.activity_id)
        if event.message is not None:
            one.messages.append(event.message)
        entity = fold.get(event.subject)
        if isinstance(entity, Instance):
            one.status, one.variables = entity.status, entity.variables
        elif isinstance(entity, Finished):
            one.status = entity.status
    return found
