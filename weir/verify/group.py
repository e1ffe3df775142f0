"""The verification of some partitions, one after the other; the unit of work of a process.

For each partition:  E0 = end of events ─► C = end of changelog ─► read the table to C ─► E1 = end of events
                     ─► fold to E1, past D (the database's position) and E0 ─► compare the table
then, for all of them at once: rows of the snapshot ─► compare with what lies below D
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.core.events import Event
from streams.core.ids import partition_of
from streams.log import Log, Span, opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.verify import table as tables
from weir.verify.activities import ActivityTallies
from weir.verify.checks.overdue import horizon, overdue
from weir.verify.database import Rows, Snapshot, compare_rows, joined
from weir.verify.events import SETTLES_S, check_states, event_of, fold_events
from weir.verify.explain import compare_history
from weir.verify.fold import Fold, Projected
from weir.verify.incidents import IncidentRow, compare_incidents
from weir.verify.report import Difference
from weir.verify.rollups import Tallies
from weir.verify.rows import InstanceRow
from weir.verify.tasks import TaskRow, compare_tasks

MAX_EXPLAINED = 1_000
"""Instances of a group that are compared row by row; what is wrong beyond that is told without how."""
OVERDUE_S = 60.0
"""How long a partition may go on without firing what is due: batches take their turns, and brokers' clocks differ."""
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Job:
    """What a process needs; ``only`` is the one instance to verify, of the one partition."""

    settings: Settings
    topics: Topics
    partitions: tuple[int, ...]
    moment: Snapshot
    only: str | None = None


@dataclass
class Result:
    """Of a job."""

    instances: int = 0
    events: int = 0
    expired: int = 0
    differences: list[Difference] = field(default_factory=list)


async def verify_group(job: Job, tell: Tell) -> Result:
    """Do a job; ``tell`` is called with how many events and rows more are done.

    Raises ``LogError``, ``UpgradeError``, ``KafkaError``, ``UnreachableError``.
    """
    async with opened(job.settings) as log:
        group = _Group(job, log, tell)
        for partition in job.partitions:
            await group.verify_log_and_table(partition)
        async with joined(job.settings, job.moment) as connection:
            await group.verify_rows(Rows(connection, job.partitions, job.topics.partitions, job.only))
    return group.result


class _Group:
    """A job under way."""

    def __init__(self, job: Job, log: Log, tell: Tell) -> None:
        self.result = Result()
        self._job, self._log, self._tell = job, log, tell
        self._projected: dict[str, Projected] = {}
        self._rollups: dict[int, Tallies] = {}
        """Of partitions that were folded as a whole, to their ends."""
        self._activities: dict[int, ActivityTallies] = {}
        self._ends: dict[TopicPartition, int] = {}
        """Where the database is in each partition's events: D."""

    async def verify_log_and_table(self, partition: int) -> None:
        """Fold one partition, checking its events, and compare its part of the table."""
        job, log = self._job, self._log
        events = TopicPartition(job.topics.events.name, partition)
        changelog = TopicPartition(job.topics.changelog.name, partition)
        before = (await self._settled(events)).end
        cut = await self._settled(changelog)
        table = await tables.read_table(log, changelog, cut)
        now_ms = job.settings.plant_clock.plant_ms(time.time() * 1000)
        after = (await self._settled(events)).end
        self._ends[events] = self._database_end(events, before)
        fold = await self._fold(events, before, after)
        wrong = tables.compare_table(fold, table, now_ms)
        if any(one.kind == tables.MISSING for one in wrong):
            # Compaction may have taken a record below the cut for the sake of a newer one behind it.
            newer = await tables.keys_in(log, changelog, Span(cut.end, (await self._settled(changelog)).end))
            wrong = [one for one in wrong if one.kind != tables.MISSING or one.subject not in newer]
        self.result.instances += fold.instances
        self.result.events += fold.events
        self.result.differences += fold.differences
        self.result.differences += [one for one in wrong if job.only in (None, one.subject)]  # the fold has no others
        self.result.differences += check_states(fold)
        if job.only is None:
            grace_ms = round(OVERDUE_S * 1000 * job.settings.plant_clock.factor)
            self.result.differences += overdue(fold.entities, horizon(fold.course, grace_ms))
        self._projected |= fold.projected
        if job.only is None and not fold.broken:
            self._rollups[partition] = fold.rollups
            self._activities[partition] = fold.activities

    async def _settled(self, tp: TopicPartition) -> Span:
        return (await self._log.settled([tp], SETTLES_S))[tp]

    def _database_end(self, events: TopicPartition, log_end: int) -> int:
        position = self._job.moment.positions.get(events, 0)
        if position > log_end:
            message = f"position: expected at most {log_end}, where the log ends, but the database is at {position}"
            self._differ("position", events, None, message)
        return min(position, log_end)

    async def _fold(self, events: TopicPartition, before: int, after: int) -> Fold:
        """Fold to ``after``, past the database's end and ``before``."""
        fold = Fold(events.partition, whole=self._job.only is None, removed_before=self._job.moment.removed_before)
        cuts = [(self._ends[events], fold.project), (before, fold.watch)]
        await fold_events(self._log, events, fold, after, cuts, only=self._job.only, tell=self._tell)
        return fold

    def _differ(self, kind: str, tp: TopicPartition, seq: int | None, message: str) -> None:
        self.result.differences.append(Difference(kind, f"{tp.topic}[{tp.partition}]", seq, message))

    async def verify_rows(self, rows: Rows) -> None:
        """Compare the database with what the folds of all partitions say."""
        projected = self._projected
        strays = await rows.subtract(projected, self._tell)
        strays |= await rows.subtract_tasks(projected, self._tell)
        strays |= await rows.subtract_incidents(projected, self._tell)
        wrong = await rows.wrong_rows(projected)
        suspects = {
            name for name, left in projected.items() if left.events or left.history or left.tasks or left.incidents
        }
        expired = {name for name, one in projected.items() if one.expired}
        self.result.expired = len(expired)
        ordered = sorted((suspects | wrong | strays) - expired)
        self.result.differences += await rows.wrong_rollups(self._rollups)
        self.result.differences += await rows.wrong_activities(self._activities)
        self.result.differences += await self._explain(rows, set(ordered[:MAX_EXPLAINED]))
        for name in ordered[MAX_EXPLAINED:]:
            message = f"rows: expected what the log says, but they differ; {MAX_EXPLAINED} others are told in full"
            self.result.differences.append(Difference("rows", name, None, message))

    async def _explain(self, rows: Rows, suspects: set[str]) -> list[Difference]:
        """What exactly differs in the rows of these instances: their part of the log is read once more."""
        if not suspects:
            return []
        homes = {partition_of(name) for name in suspects}
        spans = {tp: Span(0, end) for tp, end in self._ends.items() if tp.partition in homes}
        folds = {tp: Fold(tp.partition, keep_rows=True) for tp in spans}
        events: defaultdict[str, list[Event]] = defaultdict(list)
        keys = {name.encode() for name in suspects}
        async for chunk in self._log.read(spans):
            for record in chunk.records:
                if record.key not in keys:
                    continue
                event, _ = event_of(record)
                if event is not None:
                    events[event.subject].append(event)
                    folds[chunk.tp].take(event)
        expected: dict[str, InstanceRow] = {}
        tasks: dict[str, dict[str, TaskRow]] = {}
        incidents: dict[str, dict[int, IncidentRow]] = {}
        broken = {name for fold in folds.values() for name in fold.broken}
        for fold in folds.values():
            fold.project()
            expected |= fold.rows or {}
            tasks |= fold.tasks or {}
            incidents |= fold.incidents or {}
        histories, found = await rows.of_instances(suspects)
        found_tasks, found_incidents = await rows.tasks_of(suspects), await rows.incidents_of(suspects)
        differences = []
        for name in sorted(suspects):
            differences += compare_history(name, events[name], histories[name])
            if name not in broken:
                differences += compare_rows(expected.get(name), found[name])
                differences += compare_tasks(name, tasks.get(name, {}), found_tasks[name])
                differences += compare_incidents(name, incidents.get(name, {}), found_incidents[name])
        return differences
