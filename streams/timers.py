"""Timers of the partitions that a processor owns: a heap each, built from the table.

A timer is a wait of an instance that has a ``due`` moment; the table is where it is kept, this is only the order in
which timers come due.  Nothing is lost with the heap: whoever owns the partition next builds it anew.
"""

import heapq
from collections.abc import Iterable

from streams.core.commands import FireTimer
from streams.core.state import Entity, Instance, Wait

_Entry = tuple[int, str, str, int]


class Timers:
    """The timers of one partition; instants are Unix milliseconds of plant time."""

    def __init__(self, entities: Iterable[Entity] = ()) -> None:
        self._heap: list[_Entry] = []
        for entity in entities:
            if isinstance(entity, Instance):
                self._heap.extend(_entries(entity))
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, instance_id: str, activity_id: str, wait: Wait) -> None:
        """Note what an activity has begun to wait for."""
        if wait.due is not None:
            heapq.heappush(self._heap, (wait.due, instance_id, activity_id, wait.execution))

    def next_due(self) -> int | None:
        """When the earliest timer is due."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_ms: int, limit: int) -> list[FireTimer]:
        """Take out up to ``limit`` timers that are due at ``now_ms``, earliest first.

        Whether an instance still waits for one is for ``decide`` to say; give back what a failed batch did not use.
        """
        fired: list[FireTimer] = []
        while self._heap and self._heap[0][0] <= now_ms and len(fired) < limit:
            due, instance_id, activity_id, execution = heapq.heappop(self._heap)
            fired.append(FireTimer(instance_id=instance_id, activity_id=activity_id, execution=execution, due_ms=due))
        return fired

    def give_back(self, timers: Iterable[FireTimer]) -> None:
        """Return timers whose batch was not committed."""
        for timer in timers:
            heapq.heappush(self._heap, (timer.due_ms, timer.instance_id, timer.activity_id, timer.execution))


def _entries(instance: Instance) -> list[_Entry]:
    return [
        (wait.due, instance.id, activity_id, wait.execution)
        for activity_id, wait in instance.waiting.items()
        if wait.due is not None
    ]
