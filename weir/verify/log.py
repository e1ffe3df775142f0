"""``check_log``: one look at a whole log that is quiet, with every check; for chaos, simulation and tests.

    commands ─► events ─► rejections, dead letters ─► folds, what was gathered ─► what is wrong

It reads through a ``LogReader``, whatever broker stands behind, and asks no clock.  What it folds can then be compared
with a table and with rows (``memory``).
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from streams.core.events import Event
from streams.log import LogReader, Spans
from streams.topics import Topic, Topics
from streams.transport.port import Chunk, TopicPartition
from weir.verify.checks import LOG_CHECKS, letters
from weir.verify.checks.overdue import overdue
from weir.verify.events import SETTLES_S, check_states, fold_events
from weir.verify.fold import Fold
from weir.verify.gathered import Gathered
from weir.verify.report import Difference
from weir.verify.sent import Sent

GRACE_MS = 5_000


@dataclass
class Checked:
    """The fold of each partition, what differs, and how much there was: by type of event, and ``commands``,
    ``rejections``, ``letters``: for whoever wants to know that a check was not in vain.
    """

    folds: dict[int, Fold] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


async def check_log(
    log: LogReader,
    topics: Topics,
    *,
    now_ms: int,
    sent: Sent | None = None,
    grace_ms: int = GRACE_MS,
    skew_ms: int | None = None,
    positions: Mapping[int, int] | None = None,
    keep_rows: bool = False,
) -> Checked:
    """Check everything, once the processor has nothing left to do.

    ``now_ms`` is plant time (Unix ms): what was due more than ``grace_ms`` before must be over.  ``skew_ms`` is how
    far the clocks of workers and broker were apart at most, and for how long an open transaction kept commands from
    being read: no timer may overtake an older command by more.
    ``positions`` is where the database is in each partition of the events, the end by default; with ``keep_rows`` the
    folds tell what rows it must have.  Raises what ``log`` raises, and ``UpgradeError``.
    """
    checked = Checked()
    gathered = Gathered(topics.commands.name)
    async for chunk in _whole(log, topics.commands, gathered.first):
        for record in chunk.records:
            gathered.take_command(chunk.tp.partition, record)
    for partition in range(topics.partitions):
        fold = checked.folds[partition] = Fold(partition, skew_ms=skew_ms, keep_rows=keep_rows)
        await _fold(log, TopicPartition(topics.events.name, partition), fold, positions, gathered.take_event)
        checked.differences += fold.differences
        checked.differences += check_states(fold)
        checked.differences += overdue(fold.entities, now_ms - grace_ms)
    async for chunk in _whole(log, topics.rejections):
        for record in chunk.records:
            gathered.take_rejection(chunk.tp.partition, record)
    async for chunk in _whole(log, topics.dead_letters):
        for record in chunk.records:
            gathered.take_letter(record)
    for check in LOG_CHECKS.values():
        checked.differences += check(gathered, sent or Sent())
    checked.counts = gathered.counts
    return checked


async def check_letters(log: LogReader, topics: Topics) -> list[Difference]:
    """What is wrong with the dead letters in themselves.  Raises what ``log`` raises."""
    gathered = Gathered(topics.commands.name)
    async for chunk in _whole(log, topics.dead_letters):
        for record in chunk.records:
            gathered.take_letter(record, keep_value=False)  # there may be gigabytes
    return list(letters.check(gathered, Sent()))


async def _fold(
    log: LogReader,
    tp: TopicPartition,
    fold: Fold,
    positions: Mapping[int, int] | None,
    take: Callable[[Event], None],
) -> None:
    end = (await log.settled([tp], SETTLES_S))[tp].end
    database = end if positions is None else positions.get(tp.partition, 0)
    await fold_events(log, tp, fold, end, [(database, fold.project)], take=take)


async def _whole(log: LogReader, topic: Topic, first: dict[int, int] | None = None) -> AsyncIterator[Chunk]:
    """All there is of a topic; ``first`` is told the first offset of each partition."""
    tps = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    spans: Spans = await log.settled(tps, SETTLES_S)
    for tp, span in spans.items():
        if first is not None:
            first[tp.partition] = span.start
    async for chunk in log.read(spans):
        yield chunk
