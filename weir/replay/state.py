"""The replay of the processor's state, partition by partition; what it stands on is told in the package's map.

A partition's events are its entities' only source, so memory holds one partition at a time.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from streams.codec import UpgradeError, decode_event
from streams.core.events import Event
from streams.folding import Fold
from streams.log import Log, LogError, Span, opened, read_tables
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.contents import position_key
from streams.transport.port import TopicPartition
from weir.replay.errors import ReplayError
from weir.replay.fence import Fence, fenced
from weir.replay.position import evidence_since, group_positions, resume_at, witnesses
from weir.replay.preflight import check_topics
from weir.replay.table import difference, records_of
from weir.replay.traces import Traces, read_traces
from weir.stack.progress import Progress, silent

STEP = "folding the events"


@dataclass(frozen=True)
class PartitionReport:
    """A partition whose table is what its log says.

    ``position`` is where its processor resumes, ``None`` for the beginning; ``repaired`` records were missing or other
    than they must be, ``removed`` ones must not be there (soft records, marks that may be forgotten).  ``gone`` offsets
    before ``position`` were trimmed from the topic of commands, and nothing tells that they had been processed.
    """

    partition: int
    events: int
    entities: int
    position: int | None
    repaired: int
    removed: int
    gone: int


@dataclass(frozen=True)
class StateReport:
    """What a replay has done, in ``seconds`` of wall time."""

    partitions: list[PartitionReport]
    events: int
    entities: int
    repaired: int
    removed: int
    seconds: float


async def replay_state(
    settings: Settings, topics: Topics, progress: Progress = silent, *, ignore_changelog: bool = False
) -> StateReport:
    """Make the processor's table what the fold of ``process-events`` says, and have each partition resume after the
    last command that was processed.

    ``ignore_changelog``: do not believe the position that the changelog has.  Killed at any moment, or refused half
    way, every partition has its former table or the new one, whole; run again, it does the rest.

    Raises ``ReplayError`` while workers run, when one starts meanwhile, and for a log that does not tell the truth;
    ``KafkaError`` when the broker is away.
    """
    began = time.monotonic()
    await check_topics(settings, topics)
    async with fenced(settings, topics) as fence, opened(settings) as log:
        replay = _Replay(settings, topics, log, fence, ignore_changelog=ignore_changelog)
        try:
            reports = [report async for report in replay.run(progress)]
        except (LogError, UpgradeError) as error:
            raise ReplayError(str(error), "The partitions that were not reached have their former table.") from error
    return StateReport(
        reports,
        sum(report.events for report in reports),
        sum(report.entities for report in reports),
        sum(report.repaired for report in reports),
        sum(report.removed for report in reports),
        round(time.monotonic() - began, 3),
    )


class _Replay:
    """One run."""

    def __init__(self, settings: Settings, topics: Topics, log: Log, fence: Fence, *, ignore_changelog: bool) -> None:
        self._settings, self._topics, self._log, self._fence = settings, topics, log, fence
        self._ignore_changelog = ignore_changelog
        clock, now_ms = settings.plant_clock, round(time.time() * 1000)
        self._evidence_since_ms = evidence_since(topics, now_ms)
        self._now_ms = clock.plant_ms(now_ms)
        self._mark_ttl_ms = round(settings.done_ttl_s * 1000 * clock.factor)

    async def run(self, progress: Progress) -> AsyncIterator[PartitionReport]:
        """Each partition, when its table is committed."""
        progress("reading what became of the commands", None)
        traces = await read_traces(self._log, self._topics)
        in_group = await group_positions(self._settings, self._topics)
        places = [TopicPartition(self._topics.events.name, number) for number in range(self._topics.partitions)]
        spans = await self._log.settled(places)
        total = sum(span.end - span.start for span in spans.values()) or 1
        done = 0
        for tp in places:
            fold, events = Fold(self._now_ms - self._mark_ttl_ms), 0
            async for event, offset in self._events(tp, spans[tp]):
                _take(fold, event, tp, offset)
                traces.saw_cause(event.cause)
                events += 1
                if not events % 1_000:
                    progress(STEP, (done + offset) / total)
            fold.forget(self._mark_ttl_ms, self._now_ms)
            yield await self._write(tp.partition, fold, events, traces, in_group.get(tp.partition))
            done += spans[tp].end
        progress(STEP, 1.0)

    async def _events(self, tp: TopicPartition, span: Span) -> AsyncIterator[tuple[Event, int]]:
        if span.start:
            raise ReplayError(
                f"Expected {tp.topic}[{tp.partition}] from its first event on, but it begins at offset {span.start}",
                f"Restore {tp.topic}: a table made from the rest would have lost what runs since then.",
            )
        async for chunk in self._log.read({tp: span}):
            for record in chunk.records:
                try:
                    yield decode_event(record.value or b""), record.offset
                except msgspec.MsgspecError as error:
                    raise _damaged(tp, record.offset, error) from error

    async def _write(
        self, partition: int, fold: Fold, events: int, traces: Traces, in_group: int | None
    ) -> PartitionReport:
        topics = self._topics
        commands = TopicPartition(topics.commands.name, partition)
        found = await self._table(partition)
        in_changelog = None if self._ignore_changelog else found.get(position_key(commands.topic))
        known = witnesses(topics, in_changelog, in_group)
        resume = await resume_at(self._log, topics, commands, traces, known, self._evidence_since_ms)
        what = difference(records_of(fold, commands.topic, resume.position), found)
        if what.changes:
            await self._fence.write(partition, what.changes)
        return PartitionReport(
            partition, events, len(fold.entities), resume.position, what.repaired, what.removed, resume.gone
        )

    async def _table(self, partition: int) -> dict[bytes, bytes]:
        """What the changelog holds now."""
        tp = TopicPartition(self._topics.changelog.name, partition)
        return (await read_tables(self._log, await self._log.settled([tp])))[partition]


def _take(fold: Fold, event: Event, tp: TopicPartition, offset: int) -> None:
    try:
        fold.take(event)
    except UpgradeError:
        raise
    except Exception as error:  # whatever a damaged event does to the fold
        raise _damaged(tp, offset, error) from error


def _damaged(tp: TopicPartition, offset: int, error: Exception) -> ReplayError:
    return ReplayError(
        f"{tp.topic}[{tp.partition}] at {offset}: {type(error).__name__}: {error}",
        "The log itself is damaged, and nothing else tells the truth: restore the topic. `weir verify` tells more.",
    )
