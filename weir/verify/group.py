"""The verification of some partitions, one after the other; the unit of work of a process.

For each partition:  E0 = end of events ─► C = end of changelog ─► read the table to C ─► E1 = end of events
                     ─► fold to E1, past D (the database's position) and E0 ─► compare the table
then, for all of them at once: rows of the snapshot ─► compare with what lies below D
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from streams.codec import decode_event
from streams.core.events import Event
from streams.core.ids import partition_of
from streams.log import Log, Span, opened
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition
from weir.verify import table as tables
from weir.verify.checks import STATE_CHECKS
from weir.verify.database import Rows, Snapshot, compare_row, joined
from weir.verify.explain import compare_history
from weir.verify.fold import Fold, Projected
from weir.verify.report import Difference
from weir.verify.rows import InstanceRow

MAX_EXPLAINED = 1_000
"""Instances of a group that are compared row by row; what is wrong beyond that is told without how."""
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
    differences: list[Difference] = field(default_factory=list)


async def verify_group(job: Job, tell: Tell) -> Result:
    """Do a job; ``tell`` is called with how many events and rows more are done.

    Raises ``LogError``, ``UpgradeError``, ``KafkaError``, ``UnreachableError``.
    """
    result = Result()
    projected: dict[str, Projected] = {}
    async with opened(job.settings) as log:
        for partition in job.partitions:
            fold = await _verify_partition(job, log, partition, result, tell)
            projected |= fold.projected
        async with joined(job.settings, job.moment) as connection:
            rows = Rows(connection, job.partitions, job.topics.partitions, job.only)
            result.differences += await _verify_rows(job, log, rows, projected, tell)
    return result


async def _verify_partition(job: Job, log: Log, partition: int, result: Result, tell: Tell) -> Fold:
    events = TopicPartition(job.topics.events.name, partition)
    changelog = TopicPartition(job.topics.changelog.name, partition)
    before = (await log.settled([events]))[events].end
    cut = (await log.settled([changelog]))[changelog]
    table = await tables.read_table(log, changelog, cut)
    now_ms = job.settings.plant_clock.plant_ms(time.time() * 1000)
    after = (await log.settled([events]))[events].end
    projected = job.moment.positions.get(events, 0)
    if projected > before:
        message = f"position: expected at most {before}, where the log ends, but the database is at {projected}"
        result.differences.append(Difference("position", f"{events.topic}[{partition}]", None, message))
    fold = await _fold(job, log, events, (min(projected, before), before, after), tell)
    differences = fold.differences
    wrong = tables.compare_table(fold, table, now_ms)
    if job.only is not None:  # of others there was no fold
        wrong = [one for one in wrong if one.subject == job.only]
    if any(one.kind == tables.MISSING for one in wrong):
        # Compaction may have taken a record below the cut for the sake of a newer one behind it.
        newer = await tables.keys_behind(log, changelog, cut.end)
        wrong = [one for one in wrong if one.kind != tables.MISSING or one.subject not in newer]
    differences += wrong
    for subject, entity in fold.entities.items():
        for name, check in STATE_CHECKS.items():
            if subject not in fold.broken and (why := check(entity)) is not None:
                differences.append(Difference(name, subject, entity.seq, why))
    result.instances += fold.instances
    result.events += fold.events
    result.differences += differences
    return fold


async def _fold(job: Job, log: Log, tp: TopicPartition, cuts: tuple[int, int, int], tell: Tell) -> Fold:
    """Fold a partition to the last of ``cuts``: (the database's, E0, E1)."""
    fold = Fold(tp.partition)
    projected, before, after = cuts
    passing = [(projected, fold.project), (before, fold.watch)]
    async for chunk in log.read({tp: Span(0, after)}):
        for record in chunk.records:
            while passing and record.offset >= passing[0][0]:
                passing.pop(0)[1]()
            event = decode_event(record.value or b"")
            if job.only is None or event.subject == job.only:
                fold.take(event)
        tell(chunk.end - chunk.start)
    for _, cut in passing:
        cut()
    return fold


async def _verify_rows(job: Job, log: Log, rows: Rows, projected: dict[str, Projected], tell: Tell) -> list[Difference]:
    strays = await rows.subtract(projected, tell)
    wrong, stray_rows = await rows.wrong_rows(projected)
    suspects = {name for name, left in projected.items() if left.events or left.history} | wrong
    suspects |= strays.keys() | stray_rows.keys()
    explained = sorted(suspects)[:MAX_EXPLAINED]
    differences = await _explain(job, log, rows, explained)
    for name in sorted(suspects)[MAX_EXPLAINED:]:
        message = f"rows: expected what the log says, but they differ; {MAX_EXPLAINED} others are told in full"
        differences.append(Difference("rows", name, None, message))
    return differences


async def _explain(job: Job, log: Log, rows: Rows, suspects: Iterable[str]) -> list[Difference]:
    """What exactly differs in the rows of these instances: their part of the log is read once more."""
    wanted = set(suspects)
    if not wanted:
        return []
    spans = {}
    for partition in {partition_of(name) for name in wanted} & set(job.partitions):
        tp = TopicPartition(job.topics.events.name, partition)
        spans[tp] = Span(0, job.moment.positions.get(tp, 0))
    folds = {tp: Fold(tp.partition, keep_rows=True) for tp in spans}
    events: dict[str, list[Event]] = {name: [] for name in wanted}
    async for chunk in log.read(spans):
        for record in chunk.records:
            if record.key is not None and record.key.decode() in wanted:
                event = decode_event(record.value or b"")
                events[event.subject].append(event)
                folds[chunk.tp].take(event)
    expected: dict[str, InstanceRow] = {}
    for fold in folds.values():
        fold.project()
        expected |= fold.rows or {}
    histories, found = await rows.of_instances(wanted)
    differences = []
    for name in sorted(wanted):
        differences += compare_history(name, events[name], histories.get(name, ()))
        differences += compare_row(expected.get(name), found.get(name))
    return differences
