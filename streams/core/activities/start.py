"""``start``: where an instance begins.  May be left out; then the first activity is."""

from dataclasses import dataclass
from typing import Literal

from streams.core.activities.base import Continuing, Kind, Node


class Start(Continuing):
    """One a process."""

    type: Literal["start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNode(Node):
    """Goes on to ``next``."""


START = Kind(Start, lambda model: StartNode(id=model.id, next=model.next))
