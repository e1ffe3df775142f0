"""``sequence: [a, b, c], within: 10m``: a reading for which ``a`` holds, a later one for ``b``, a later one for ``c``.

Readings in between do not matter (Flink's CEP: followed by, relaxed contiguity), and one reading is one step only.  The
last step fires, when it is at most ``within`` later than the first.  Of several ways to come so far the one that began
last counts: no other could fire where it does not.  Afterwards everything begins anew.
"""

from dataclasses import dataclass, field

import msgspec

from streams.core.patterns.base import Point, Sighting


class SequenceState(msgspec.Struct, omit_defaults=True, tag="sequence"):
    """``ways[i]``: the readings of the first i + 1 steps, of the way there that began last; empty without one."""

    ways: list[list[Point]] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sequence:
    """``within`` in milliseconds.  There is a truth for each of the ``steps``."""

    steps: int
    within: int = field(kw_only=True)

    def new(self) -> SequenceState:
        return SequenceState()

    def see(self, state: SequenceState, sighting: Sighting) -> list[Point] | None:
        ways = state.ways or [[] for _ in range(self.steps - 1)]
        for step in reversed(range(self.steps)):  # last first: a reading must not follow itself
            before = ways[step - 1] if step else []
            if not sighting.truths[step] or (step and not self._in_time(before, sighting.at)):
                continue
            way = [*before, sighting.point]
            if step == self.steps - 1:
                state.ways = []
                return way
            ways[step] = way
        state.ways = ways if any(ways) else []
        return None

    def next(self, state: SequenceState) -> None:  # noqa: ARG002  nothing happens without a reading
        return None

    def tick(self, state: SequenceState, now: int) -> None:
        """Never asked: ``next`` tells no moment."""

    def lasts(self, state: SequenceState) -> int:
        return self.within if state.ways else 0

    def _in_time(self, way: list[Point], at: int) -> bool:
        return bool(way) and at - way[0].at <= self.within
