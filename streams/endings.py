"""Instances that have ended, in the order in which the table may forget them.

A finished instance leaves a mark for a day (at most ``MAX_MARKS`` a partition), so that a second start with its id is
refused; a failed one stays whole for 30 days, to be retried.  The table keeps them; this is only the order.
"""

from collections import deque

from streams.core.state import BROKEN, Entity, Finished, Instance

FAILED_TTL_MS = 30 * 86_400_000
MIN_MARK_MS = 10 * 60_000
"""A mark outlives the age up to which a caller's own instance id is accepted, however many marks there are."""
MAX_MARKS = 100_000
MORE_A_BATCH = 200
"""A batch forgets at most so many more than have ended since the last one: no flood of ends outruns it."""

_Ending = tuple[int, str]


class Endings:
    """The ended instances of one partition; instants are Unix milliseconds of plant time."""

    def __init__(self, mark_ttl_ms: int) -> None:
        self._mark_ttl_ms = mark_ttl_ms
        self._marks: deque[_Ending] = deque()
        self._failed: deque[_Ending] = deque()
        self._taken: list[tuple[deque[_Ending], _Ending]] = []
        self._added = 0
        """Since ``forgotten``."""

    def restore(self, name: str, entity: Entity) -> None:
        """Note an entity of the table, if it has ended; ``sort`` follows the last one."""
        if isinstance(entity, Finished):
            self.add(entity.ended_at, name, failed=False)
        elif isinstance(entity, Instance) and entity.status in BROKEN:
            self.add(entity.updated_at, name, failed=True)

    def sort(self) -> None:
        """Put what was restored into the order of time."""
        self._marks = deque(sorted(self._marks))
        self._failed = deque(sorted(self._failed))
        self._added = 0

    def add(self, ended_at: int, instance_id: str, *, failed: bool) -> None:
        """An instance has ended."""
        (self._failed if failed else self._marks).append((ended_at, instance_id))
        self._added += 1

    def take(self, now_ms: int) -> list[str]:
        """Ids that the table may forget now; taken for good by ``forgotten``, else offered again."""
        most = self._added + MORE_A_BATCH
        for queue, ending in reversed(self._taken):
            queue.appendleft(ending)
        self._taken = []
        while len(self._taken) < most and self._marks:
            age = now_ms - self._marks[0][0]
            if age < MIN_MARK_MS or (age < self._mark_ttl_ms and len(self._marks) <= MAX_MARKS):
                break
            self._taken.append((self._marks, self._marks.popleft()))
        while len(self._taken) < most and self._failed and now_ms - self._failed[0][0] >= FAILED_TTL_MS:
            self._taken.append((self._failed, self._failed.popleft()))
        return [ending[1] for _, ending in self._taken]

    def forgotten(self) -> None:
        """The batch that forgot what ``take`` returned has committed."""
        self._taken, self._added = [], 0


def may_be_forgotten(entity: Entity | None, now_ms: int) -> bool:
    """Whether an ended instance is still that: a broken one may have been retried since, and have failed again."""
    if isinstance(entity, Instance):
        is_old = now_ms - entity.updated_at >= FAILED_TTL_MS
        return entity.status in BROKEN and entity.retry is None and is_old  # else its slot would come to nobody
    return isinstance(entity, Finished)
