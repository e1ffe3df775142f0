"""``start``: where an instance begins.  May be left out; then the first activity is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from streams.core.activities.base import Activity, Kind, Node
from streams.core.scalars import ActivityId


class Start(Activity):
    """One a process."""

    type: Literal["start"]
    next: ActivityId | None = None

    def targets(self) -> Mapping[str, str | None]:
        return {"next": self.next}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNode(Node):
    """Goes on to ``next``."""


START = Kind(Start, lambda model: StartNode(id=model.id, next=model.next))
