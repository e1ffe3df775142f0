"""Timers of the partitions that a processor owns: a heap each, built from the table.

A timer is a moment that an entity waits for (``streams.core.due``); the table is where it is kept, this is only the
order in which timers come due.  Nothing is lost with the heap: whoever owns the partition next builds it anew.

Most timers are deadlines of actions, and most actions answer long before theirs: a timer that is over is marked, left
out when its turn comes, and swept from the heap with the others when they are more than those that still count.
"""

import heapq
from collections.abc import Callable, Iterable
from typing import Protocol

from streams.core.due import Timer, due_timers
from streams.core.patterns import Window
from streams.core.state import Entity
from streams.core.suggest import suggest
from streams.refused import RefusedError

MIN_SWEEP = 1_000


class TimerBackend(Protocol):
    """What a processor asks of the timers of one of its partitions; ``Timers`` says what each means.

    Nothing is kept in it: ``restore`` gets every entity of the table when a partition is taken over.  Of timers that
    are due at the same moment the order is that of ``Timer``, so that every backend fires alike.
    """

    def __len__(self) -> int: ...

    def restore(self, entity: Entity | Window) -> None: ...

    def next_due(self) -> int | None: ...

    def due(self, now_ms: int, limit: int) -> list[Timer]: ...

    def give_back(self) -> None: ...

    def settled(self, changes: Iterable[tuple[Iterable[Timer], Iterable[Timer]]]) -> None: ...


class Timers:
    """The timers of one partition; instants are Unix milliseconds of plant time."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._over: set[Timer] = set()
        """Those of the heap that no longer count."""
        self._in_flight: dict[Timer, None] = {}
        """Those that a batch has taken out and not committed yet."""

    def __len__(self) -> int:
        return len(self._heap)

    def restore(self, entity: Entity | Window) -> None:
        """Note what an entity, or a pattern's window, of the table waits for."""
        for timer in due_timers(entity):
            self.add(timer)

    def add(self, timer: Timer) -> None:
        """Note what an entity has begun to wait for."""
        if timer in self._over:
            self._over.discard(timer)
        else:
            heapq.heappush(self._heap, timer)

    def remove(self, timer: Timer) -> None:
        """Note that an entity no longer waits for what was added before."""
        if timer in self._in_flight:
            del self._in_flight[timer]  # what was taken out; the same timer may have come anew since, and go again
            return
        self._over.add(timer)
        if len(self._over) >= MIN_SWEEP and len(self._over) * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry not in self._over]
            heapq.heapify(self._heap)
            self._over.clear()

    def next_due(self) -> int | None:
        """When the earliest timer is due."""
        while self._heap and self._heap[0] in self._over:
            self._over.discard(heapq.heappop(self._heap))
        return self._heap[0].due_ms if self._heap else None

    def due(self, now_ms: int, limit: int) -> list[Timer]:
        """Take out up to ``limit`` timers that are due at ``now_ms``, earliest first.

        Whether an entity still waits for one is for ``decide`` to say.  They are in flight until ``give_back``, or
        ``settled``.
        """
        fired: list[Timer] = []
        while len(fired) < limit and (due := self.next_due()) is not None and due <= now_ms:
            fired.append(heapq.heappop(self._heap))
        self._in_flight.update(dict.fromkeys(fired))
        return fired

    def give_back(self) -> None:
        """Return the timers of a batch that was not committed."""
        for timer in self._in_flight:
            heapq.heappush(self._heap, timer)
        self._in_flight.clear()

    def settled(self, changes: Iterable[tuple[Iterable[Timer], Iterable[Timer]]]) -> None:
        """The batch has committed, with these ``changes``, one after the other: what is over, and what came instead."""
        for over, new in changes:
            for timer in over:
                self.remove(timer)
            for timer in new:
                self.add(timer)
        self._in_flight.clear()


HEAP = "heap"
BACKENDS: dict[str, Callable[[], TimerBackend]] = {HEAP: Timers}
"""By the name that ``WEIR_TIMERS`` gives; extensions add theirs (``streams.extensions``)."""


def timer_backend(name: str) -> Callable[[], TimerBackend]:
    """Raises ``RefusedError``."""
    if name not in BACKENDS:
        hint = suggest(name, list(BACKENDS), "timer backend")
        raise RefusedError(f"WEIR_TIMERS: Expected a timer backend that is installed, but got {name!r}. {hint}")
    return BACKENDS[name]
