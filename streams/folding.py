"""The fold of one partition's events: its entities, as ``apply`` makes them and nothing else.

What the processor's table must hold follows from it by ``forget``, which leaves out what the processor forgets by and
by.
"""

from streams.codec import UpgradeError
from streams.core.apply import apply_event
from streams.core.events import EVENT_TYPES, Event
from streams.core.state import Entity, Finished
from streams.endings import Endings, may_be_forgotten


class Fold:
    """Entities by id.  Events of a partition are ``take``n in the order of the log."""

    def __init__(self, marks_after_ms: int | None = None) -> None:
        """Marks of instances that ended before ``marks_after_ms`` (Unix ms of plant time) are not even kept: a log of
        years holds more of them than memory does.
        """
        self.entities: dict[str, Entity] = {}
        self._marks_after_ms = marks_after_ms

    def get(self, entity_id: str) -> Entity | None:
        return self.entities.get(entity_id)

    def put(self, entity_id: str, entity: Entity | None) -> None:
        if entity is None or self._is_old(entity):
            self.entities.pop(entity_id, None)
        else:
            self.entities[entity_id] = entity

    def take(self, event: Event) -> None:
        """Fold one event.  Raises ``FoldError``, or ``UpgradeError`` for a type that this Weir does not know."""
        if event.type not in EVENT_TYPES:
            raise UpgradeError(f"{event.subject}/{event.seq} is of type {event.type!r}: upgrade this Weir to fold it")
        apply_event(self, event)

    def forget(self, mark_ttl_ms: int, now_ms: int) -> None:
        """Drop what the processor would have forgotten by ``now_ms``, by its own rule."""
        endings = Endings(mark_ttl_ms)
        for entity_id, entity in self.entities.items():
            endings.restore(entity_id, entity)
        endings.sort()
        while ended := endings.take(now_ms):
            for entity_id in ended:
                if may_be_forgotten(self.entities.get(entity_id), now_ms):
                    del self.entities[entity_id]
            endings.forgotten()

    def _is_old(self, entity: Entity) -> bool:
        limit = self._marks_after_ms
        return limit is not None and isinstance(entity, Finished) and entity.ended_at < limit
