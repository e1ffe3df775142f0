"""``timer``: wait for a while, in plant time."""

from dataclasses import dataclass
from typing import Literal

from streams.core.activities.base import Continuing, Kind, Node
from streams.core.scalars import Duration


class Timer(Continuing):
    """``duration`` counts from the moment the activity is entered."""

    type: Literal["timer"]
    duration: Duration

    def waits(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerNode(Node):
    """``duration_ms`` in plant time."""

    duration_ms: int


TIMER = Kind(Timer, lambda model: TimerNode(id=model.id, next=model.next, duration_ms=model.duration))
