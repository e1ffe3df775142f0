"""The fold of one partition's events, as far as ``verify`` needs it, and the checks of each event on the way.

    event ─► checks (what was the entity before?) ─► apply ─► the entity
                                                        ├─► below the database's cut: what its rows must be
                                                        └─► between the table's cuts: every state the table may show

Finished instances keep a mark and two digests; unfinished ones their state.
"""

from datetime import datetime

from streams.codec import UpgradeError, encode_entity
from streams.core.apply import CREATES_INSTANCE, INSTANCE_APPLIERS, apply_at
from streams.core.durations import instant_ms
from streams.core.events import EVENT_TYPES, Event
from streams.core.state import Entity, Finished, Instance
from weir.verify import incidents, tasks
from weir.verify.activities import ActivityTallies
from weir.verify.checks import checks_of
from weir.verify.history import event_digest
from weir.verify.incidents import IncidentRow
from weir.verify.report import Difference
from weir.verify.rollups import Tallies
from weir.verify.rows import InstanceRow, row_of
from weir.verify.seen import Course, Life, Seen
from weir.verify.tasks import TaskRow

FINISHES = frozenset({"completed", "cancelled"})
OF_INSTANCES = frozenset({CREATES_INSTANCE, *INSTANCE_APPLIERS})


class Projected:
    """What the database must hold of an instance: how many events, the sum of their digests, the digest of its row, and
    the sums of those of its tasks and incidents.

    ``row`` is ``None`` where the fold cannot tell.  Whoever finds rows subtracts them: equal is 0.  ``expired``: it has
    ended so long ago that the database need not hold it.
    """

    __slots__ = ("events", "expired", "history", "incidents", "row", "tasks")

    def __init__(self) -> None:
        self.events = self.history = self.incidents = self.tasks = 0
        self.row: int | None = None
        self.expired = False


class Fold:
    """Entities of a partition: ``take`` its events in order; ``project`` and ``watch`` at the cuts."""

    def __init__(
        self,
        partition: int,
        *,
        whole: bool = True,
        skew_ms: int | None = None,
        keep_rows: bool = False,
        removed_before: datetime | None = None,
    ) -> None:
        """``whole`` and ``skew_ms`` are those of ``Course``.

        ``removed_before``: the database need not hold instances that had ended then.

        ``keep_rows``: keep in ``rows``, ``tasks``, ``incidents`` and ``histories`` what the database's rows must be,
        not only their digests.
        """
        self.entities: dict[str, Entity] = {}
        self.lives: dict[str, Life] = {}
        """Of the unfinished instances."""
        self.open_tasks: dict[str, TaskRow] = {}
        """By the task's id."""
        self.open_incidents: dict[str, list[IncidentRow]] = {}
        """By instance."""
        self.projected: dict[str, Projected] = {}
        self.rollups = Tallies()
        """Complete after ``project``."""
        self.activities = ActivityTallies()
        self.since: dict[str, list[bytes | None]] = {}
        """The records, oldest first, of each entity that changed since ``watch``: the one before, then each later."""
        self.broken: set[str] = set()
        """Subjects that cannot be folded to their end."""
        self.rows: dict[str, InstanceRow] | None = {} if keep_rows else None
        self.tasks: dict[str, dict[str, TaskRow]] | None = {} if keep_rows else None
        """By instance and task."""
        self.incidents: dict[str, dict[int, IncidentRow]] | None = {} if keep_rows else None
        """By instance and ``seq``."""
        self.histories: dict[str, list[Event]] | None = {} if keep_rows else None
        self.differences: list[Difference] = []
        self.events = self.instances = 0
        self._removed_before = removed_before
        self.course = Course(partition, whole=whole, skew_ms=skew_ms)
        self._projecting, self._watching = True, False

    def get(self, entity_id: str) -> Entity | None:
        """Lend an entity, to be changed."""
        entity = self.entities.get(entity_id)
        if self._watching and entity_id not in self.since:
            self.since[entity_id] = [None if entity is None else encode_entity(entity)]
        return entity

    def put(self, entity_id: str, entity: Entity | None) -> None:
        """Take an entity back."""
        if entity is None:
            self.entities.pop(entity_id, None)
        else:
            self.entities[entity_id] = entity
        if self._watching:
            self.since[entity_id].append(None if entity is None else encode_entity(entity))

    def watch(self) -> None:
        """From here on the table may show any state."""
        self._watching = True

    def project(self) -> None:
        """The database ends here: keep what its rows must be."""
        self._projecting = False
        for subject, life in self.lives.items():
            state = self.entities[subject]
            if isinstance(state, Instance) and subject not in self.broken:
                self._row(state, life)
                self.rollups.count(state, state.status, 0)
        for task in self.open_tasks.values():
            self._task(task)
        for row in [row for rows in self.open_incidents.values() for row in rows]:
            self._incident(row)

    def take(self, event: Event) -> None:
        """The next event of the partition.  Raises ``UpgradeError`` for a type that this Weir does not know."""
        if event.type not in EVENT_TYPES:
            raise UpgradeError(f"{event.subject}/{event.seq} is of type {event.type!r}: upgrade this Weir to fold it")
        of_instance = event.type in OF_INSTANCES
        self.events += of_instance
        if of_instance and self._projecting:
            self._count(event)
        if event.subject in self.broken:
            self.course.released = None
            return
        before = self.get(event.subject)
        seen = Seen(self.course, before, self.lives.get(event.subject), event, instant_ms(event.time))
        for name, check in checks_of(event.type):
            if (why := check(seen)) is not None:
                self.differences.append(Difference(name, event.subject, event.seq, why))
        self.course.pass_by(seen)
        if self._continue(seen) and of_instance:
            self._live(seen)

    def _count(self, event: Event) -> None:
        projected = self.projected.get(event.subject)
        if projected is None:
            projected = self.projected[event.subject] = Projected()
        projected.events += 1
        projected.history += event_digest(event)
        self.activities.take(event)
        if self.histories is not None:
            self.histories.setdefault(event.subject, []).append(event)

    def _continue(self, seen: Seen) -> bool:
        """Apply the event, unless it repeats one or comes too late; what is behind a gap goes on."""
        before, event, last = seen.before, seen.event, seen.last_seq
        if event.seq <= last or isinstance(before, Finished):
            return False
        if before is not None and not isinstance(before, Finished) and event.seq > last + 1:
            before.seq = event.seq - 1
        try:
            apply_at(self, event, seen.time_ms)
            if self._projecting and tasks.is_of_task(event):
                self._follow_task(event)
            if self._projecting and (event.type in incidents.OPENS or event.type in incidents.ENDS):
                self._follow_incidents(event)
        except Exception as error:  # noqa: BLE001 - whatever a damaged event does to the fold is what there is to tell
            self.broken.add(event.subject)
            why = f"Expected {event.type} to follow, but the fold ends here: {type(error).__name__}: {error}"
            self.differences.append(Difference("fold", event.subject, event.seq, why))
            return False
        return True

    def _live(self, seen: Seen) -> None:
        """Note what the rows need and the state does not keep."""
        event, life = seen.event, seen.life
        if life is None:
            self.instances += 1
            life = self.lives[event.subject] = Life(event.time, event.cause, event.data.get("trigger"))
        life.tell(event.type, event.activity_id, event.time)
        if event.type in FINISHES:
            del self.lives[event.subject]
            if self._projecting and isinstance(seen.before, Instance):
                self._row(seen.before, life)
                self.rollups.count(seen.before, event.type, seen.time_ms)

    def _follow_task(self, event: Event) -> None:
        row = self.open_tasks[tasks.id_of(event)] = tasks.follow(self.open_tasks.get(tasks.id_of(event)), event)
        if event.type in tasks.ENDS:
            self._task(self.open_tasks.pop(row.id))

    def _task(self, row: TaskRow) -> None:
        self.projected[row.instance_id].tasks += row.digest
        if self.tasks is not None:
            self.tasks.setdefault(row.instance_id, {})[row.id] = row

    def _follow_incidents(self, event: Event) -> None:
        if event.type in incidents.OPENS:
            self.open_incidents.setdefault(event.subject, []).append(incidents.opened(event))
        elif (rows := self.open_incidents.get(event.subject)) is not None:
            for row in incidents.resolved(rows, event):
                self._incident(row)
            if left := [row for row in rows if row.resolved_at is None]:
                self.open_incidents[event.subject] = left
            else:
                del self.open_incidents[event.subject]

    def _incident(self, row: IncidentRow) -> None:
        self.projected[row.instance_id].incidents += row.digest
        if self.incidents is not None:
            self.incidents.setdefault(row.instance_id, {})[row.seq] = row

    def _row(self, state: Instance, life: Life) -> None:
        row = row_of(state, life)
        projected = self.projected[state.id]
        projected.row = row.digest
        ended = row.completed_at
        if ended is not None and self._removed_before is not None:
            projected.expired = ended < self._removed_before
        if self.rows is not None:
            self.rows[state.id] = row
