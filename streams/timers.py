"""Timers of the partitions that a processor owns: a heap each, built from the table.

A timer is a wait of an instance that has a ``due`` moment; the table is where it is kept, this is only the order in
which timers come due.  Nothing is lost with the heap: whoever owns the partition next builds it anew.

Most timers are deadlines of actions, and most actions answer long before theirs: a timer that is over is marked, left
out when its turn comes, and swept from the heap with the others when they are more than those that still count.
"""

import heapq
from collections.abc import Iterable

from streams.core.commands import FireTimer
from streams.core.state import Entity, Instance, Wait

_Entry = tuple[int, str, str, int]
"""(due, instance id, activity id, execution)"""
MIN_SWEEP = 1_000


class Timers:
    """The timers of one partition; instants are Unix milliseconds of plant time."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._over: set[tuple[str, str, int]] = set()

    def __len__(self) -> int:
        return len(self._heap)

    def restore(self, entity: Entity) -> None:
        """Note what an entity of the table waits for."""
        if isinstance(entity, Instance):
            for activity_id, wait in entity.waiting.items():
                self.add(entity.id, activity_id, wait)

    def add(self, instance_id: str, activity_id: str, wait: Wait) -> None:
        """Note what an activity has begun to wait for."""
        if wait.due is not None:
            self._over.discard((instance_id, activity_id, wait.execution))
            heapq.heappush(self._heap, (wait.due, instance_id, activity_id, wait.execution))

    def remove(self, instance_id: str, activity_id: str, execution: int) -> None:
        """Note that an activity no longer waits for what was added before."""
        self._over.add((instance_id, activity_id, execution))
        if len(self._over) >= MIN_SWEEP and len(self._over) * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[1:] not in self._over]
            heapq.heapify(self._heap)
            self._over.clear()

    def next_due(self) -> int | None:
        """When the earliest timer is due."""
        while self._heap and self._heap[0][1:] in self._over:
            self._over.discard(heapq.heappop(self._heap)[1:])
        return self._heap[0][0] if self._heap else None

    def due(self, now_ms: int, limit: int) -> list[FireTimer]:
        """Take out up to ``limit`` timers that are due at ``now_ms``, earliest first.

        Whether an instance still waits for one is for ``decide`` to say; give back what a failed batch did not use.
        """
        fired: list[FireTimer] = []
        while len(fired) < limit and (due := self.next_due()) is not None and due <= now_ms:
            _, instance_id, activity_id, execution = heapq.heappop(self._heap)
            fired.append(FireTimer(instance_id=instance_id, activity_id=activity_id, execution=execution, due_ms=due))
        return fired

    def give_back(self, timers: Iterable[FireTimer]) -> None:
        """Return timers whose batch was not committed."""
        for timer in timers:
            heapq.heappush(self._heap, (timer.due_ms, timer.instance_id, timer.activity_id, timer.execution))
