"""Timer backend ``sorted``: a list that is always in order.

Each timer that is over leaves at once, where Weir's heap marks it: for a plant whose timers mostly fire.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

from streams.core.due import Timer, due_timers
from streams.core.patterns import Window
from streams.core.state import Entity


class SortedTimers:
    """The timers of one partition."""

    def __init__(self) -> None:
        self._timers: list[Timer] = []
        self._taken: list[Timer] = []

    def __len__(self) -> int:
        return len(self._timers)

    def restore(self, entity: Entity | Window) -> None:
        for timer in due_timers(entity):
            insort(self._timers, timer)

    def next_due(self) -> int | None:
        return self._timers[0].due_ms if self._timers else None

    def due(self, now_ms: int, limit: int) -> list[Timer]:
        count = sum(timer.due_ms <= now_ms for timer in self._timers[:limit])
        fired, self._timers = self._timers[:count], self._timers[count:]
        self._taken += fired
        return list(fired)

    def give_back(self) -> None:
        for timer in self._taken:
            insort(self._timers, timer)
        self._taken.clear()

    def settled(self, changes: Iterable[tuple[Iterable[Timer], Iterable[Timer]]]) -> None:
        taken = set(self._taken)
        for over, new in changes:
            for timer in over:
                at = bisect_left(self._timers, timer)
                if timer in taken:
                    taken.discard(timer)
                elif self._timers[at : at + 1] == [timer]:
                    del self._timers[at]
            for timer in new:
                insort(self._timers, timer)
        self._taken.clear()
