"""An event as the checks see it: beside what its entity was before it."""

from datetime import datetime
from typing import NamedTuple

from streams.core.events import Event
from streams.core.state import Entity, Instance


class Life:
    """What the log told of an unfinished instance, and its state does not keep."""

    __slots__ = ("activity", "last_type", "status_since")

    def __init__(self, since: datetime) -> None:
        self.activity: str | None = None
        self.last_type = ""
        self.status_since = since


class Seen(NamedTuple):
    """``before`` and ``life`` are ``None`` ahead of the first event; ``time_ms`` is the event's plant time."""

    partition: int
    before: Entity | None
    life: Life | None
    event: Event
    time_ms: int

    @property
    def last_seq(self) -> int:
        """``seq`` of the entity's last event."""
        return 0 if self.before is None else self.before.seq

    @property
    def instance(self) -> Instance | None:
        """The instance, running or failed."""
        return self.before if isinstance(self.before, Instance) else None
