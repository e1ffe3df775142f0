"""``count: 3, within: 10m``: so many readings for which the condition holds, in so long a time.

The last one fires, when it is at most ``within`` later than the first of them.  Each reading counts for one firing:
afterwards counting begins anew (Flink's CEP calls that skipping past the last event).
"""

from dataclasses import dataclass, field

import msgspec

from streams.core.patterns.base import Point, Sighting


class CountState(msgspec.Struct, omit_defaults=True, tag="count"):
    """The readings that count, oldest first; always fewer than ``count``."""

    points: list[Point] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Count:
    """``within`` in milliseconds.  The only truth is the condition."""

    count: int
    within: int = field(kw_only=True)

    def new(self) -> CountState:
        return CountState()

    def see(self, state: CountState, sighting: Sighting) -> list[Point] | None:
        if not sighting.truths[0]:
            return None
        points = [point for point in state.points if point.at >= sighting.at - self.within]
        points.append(sighting.point)
        if len(points) < self.count:
            state.points = points
            return None
        state.points = []
        return points

    def next(self, state: CountState) -> None:  # noqa: ARG002  nothing happens without a reading
        return None

    def tick(self, state: CountState, now: int) -> None:
        """Never asked: ``next`` tells no moment."""

    def lasts(self, state: CountState) -> int:
        return self.within if state.points else 0
