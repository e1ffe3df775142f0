"""The projector: batches of records → rows, in one SQL transaction with the position.

    records ─ decode ─► items ─ build ─► rows ┐
               │                              ├─ one transaction: position old → new, rows of each table
               └─► refused ─► dead letters ───┘

Order, and why:
* the position moves first: its row's lock makes a second owner of the partition wait, and then fail before it writes;
* refused records reach the dead letters before the commit: a crash may send them twice, never lose them;
* a batch that PostgreSQL refuses is written again in halves, each in a savepoint, down to the row at fault;
* when the connection breaks during the commit, the position tells whether it took place;
* batches of several partitions that wait at the same time share a transaction; when it fails, each goes alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import error as StructError  # noqa: N812
from typing import Any

import asyncpg
import msgspec
import structlog

from projections import positions
from projections.dead_letters import DeadLetters
from projections.durations import Durations
from projections.errors import BrokenRecordError, NotOwnerError, RecordsLostError
from projections.feeds import FEEDS, FeedName
from projections.feeds.base import Decoded, Feed, place
from projections.records import Batch, Refused
from projections.tables import projections_of
from projections.tables.base import Projection
from projections.together import Together
from projections.topic_log import TopicLog
from projections.tracing import projected
from streams.core.clock import PlantClock
from streams.database import Database
from streams.tracing.tracer import Tracer
from streams.transport.port import TopicPartition

log = structlog.get_logger(__name__)

_ROW_ERRORS = (
    asyncpg.DataError,  # numbers, texts and JSON that the column's type does not take
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,  # too large for an index, too deeply nested
    msgspec.MsgspecError,
    StructError,  # an integer too large for its column
    ValueError,  # asyncpg's own refusals of arguments
)
_MAX_REASON = 500


@dataclass
class Counts:
    """Totals since the start of the process."""

    batches: int = 0
    records: int = 0
    refused: int = 0


class _ApartError(Exception):
    """One of several batches is not to be written as it is."""


@dataclass
class _Work:
    """A batch on its way into the database; it survives attempts that a broken connection ended."""

    batch: Batch
    feed: Feed
    tables: tuple[Projection, ...]
    old: int
    decoded: Decoded
    isolate: bool = False
    """Write row by row where needed: PostgreSQL refused the batch as a whole."""
    committing: bool = False
    """A commit was begun; whether it took place is known to the database only."""
    letters_sent: set[int] = field(default_factory=set)
    """Offsets of records that are dead letters already."""


class Projector:
    """Projects ``topics`` (name → feed) into ``database``.

    For one partition calls come one after another: ``positions`` when it is assigned, then ``project`` with contiguous
    batches from there.  Different partitions may be projected at the same time.
    """

    def __init__(
        self,
        database: Database,
        topics: Mapping[str, FeedName],
        *,
        topic_log: TopicLog,
        dead_letters: DeadLetters,
        clock: PlantClock,
        tables: Mapping[FeedName, tuple[Projection, ...]] | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._tracer = tracer
        self._database, self._topic_log, self._dead_letters, self._clock = database, topic_log, dead_letters, clock
        self._feeds = {topic: FEEDS[name] for topic, name in topics.items()}
        self._tables = tables or {name: projections_of(name) for name in FEEDS}
        self._positions: dict[TopicPartition, int] = {}
        self._together = {name: Together(self._transaction) for name in FEEDS}
        self.counts = Counts()
        self.durations = Durations()

    async def positions(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Called at every assignment, before any batch: where to read from; ``None`` is the earliest record there is.

        Makes the rows that ``project`` moves.  Waits for a database that is away.  Raises ``TopicRecreatedError``;
        ``RecordsLostError`` when the log no longer holds events that the database lacks.  Lost telemetry is logged as
        an error, and the projection goes on with what is left.
        """
        if not tps:
            return {}
        self.durations.forget({partition for topic, partition in tps if self._feeds[topic].name == "events"})
        by_topic: dict[str, list[int]] = {}
        for topic, partition in tps:
            by_topic.setdefault(topic, []).append(partition)
        ids = await self._topic_log.ids(list(by_topic))
        starts = await self._topic_log.starts(tps)

        async def begin() -> dict[TopicPartition, int]:
            found: dict[TopicPartition, int] = {}
            async with self._database.connection() as connection, connection.transaction():
                for topic, partitions in by_topic.items():
                    begun = await positions.begin(connection, topic, ids[topic], partitions)
                    for partition, position in begun.items():
                        tp = TopicPartition(topic, partition)
                        found[tp] = await self._within_log(connection, tp, position, starts[tp])
            return found

        found = await self._database.patiently("reading positions", begin)
        self._positions |= found
        return {tp: position or None for tp, position in found.items()}

    async def project(self, batch: Batch) -> None:
        """Called for each batch; returns when its rows and its position are committed.

        Waits for a database that is away.  Raises ``NotOwnerError``, ``BrokenRecordError``, ``UpgradeNeededError``;
        then nothing of the batch was written, and the process has to end.
        """
        tp = TopicPartition(*batch.tp)
        old = self._positions[tp]
        if batch.start < old:
            raise NotOwnerError(f"Expected a batch of {tp.topic}/{tp.partition} from {old} on, but got {_name(batch)}")
        feed = self._feeds[tp.topic]
        began_ns = 0 if self._tracer is None else self._tracer.now_ns()
        work = _Work(batch, feed, self._tables[feed.name], old, feed.decode(tp, batch.records, self._clock))
        if not await self._together[feed.name].write(work):
            await self._database.patiently(
                f"projecting {tp.topic}/{tp.partition} from {old}", lambda: self._write(work)
            )
        self._positions[tp] = batch.end
        self.counts.batches += 1
        self.counts.records += len(batch.records)
        self.counts.refused += len(work.letters_sent)
        if feed.name == "events":
            self.durations.note(work.decoded.items)
            if self._tracer is not None:
                projected(self._tracer, batch, began_ns)

    async def _within_log(self, connection: asyncpg.Connection, tp: TopicPartition, position: int, start: int) -> int:
        """``position``, or ``start`` for what is not the truth and the log has dropped before it was projected."""
        if position == 0 or position >= start:
            return position
        lost = (
            f"Expected {tp.topic}/{tp.partition} from offset {position} on, but it begins at {start}: up to "
            f"{start - position} records are gone that were never projected"
        )
        if self._feeds[tp.topic].truth:
            raise RecordsLostError(f"{lost}. Restore the topic, or rebuild the database from what is left of it")
        log.error("records lost: retention was shorter than the projector's absence", problem=lost)
        await positions.move(connection, tp.topic, tp.partition, position, start)
        return start

    async def _write(self, work: _Work) -> None:
        """Attempts of a batch alone until it is in; a second time row by row."""
        if not work.isolate:
            try:
                return await self._transaction([work])
            except _ROW_ERRORS as error:
                log.warning("a row was refused, looking for it", batch=_name(work.batch), error=_first_line(error))
                work.isolate = True
        return await self._transaction([work])

    async def _transaction(self, works: Sequence[_Work]) -> None:
        """Batches of one feed, each of another partition.  Several are written only if nothing is wrong with any."""
        tables = works[0].tables
        items = [item for work in works for item in work.decoded.items]
        isolate = works[0].isolate
        rows = [] if isolate else [self._rows(table, items) for table in tables]
        async with self._database.connection() as connection:
            async with connection.transaction():
                for work in works:
                    tp = work.batch.tp
                    if not await positions.move(connection, tp.topic, tp.partition, work.old, work.batch.end):
                        if len(works) > 1:
                            raise _ApartError(_name(work.batch))
                        return await self._explain_position(connection, work)
                if isolate:
                    [work] = works
                    await self._bury(
                        work, [*work.decoded.refused, *await self._isolate(connection, work, 0, len(items))]
                    )
                else:
                    for table, of_table in zip(tables, rows, strict=True):
                        await table.write(connection, of_table)
                    for work in works:
                        await self._bury(work, work.decoded.refused)
                for work in works:
                    work.committing = True
            return None

    def _rows(self, table: Projection, items: Sequence[Any]) -> Any:
        rows = table.build(items)
        if table.recall is not None:
            table.recall(rows, self.durations.under_way)
        return rows

    async def _explain_position(self, connection: asyncpg.Connection, work: _Work) -> None:
        """Why the position is not ``work.old``: this projector's own commit took place, or it is not the owner."""
        tp = work.batch.tp
        position = await positions.read(connection, tp.topic, tp.partition)
        if work.committing and position == work.batch.end:
            log.warning("the commit had taken place when the connection broke", batch=_name(work.batch))
            return
        raise NotOwnerError(
            f"Expected {tp.topic}/{tp.partition} at position {work.old}, but the database has {position}: another "
            "projector has gone on from there and owns the partition now"
        )

    async def _isolate(self, connection: asyncpg.Connection, work: _Work, first: int, end: int) -> list[Refused]:
        """Write items ``[first, end)`` but those refused.  Raises ``BrokenRecordError`` when they may not be
        skipped.
        """
        if first == end:
            return []
        items, record = work.decoded.items[first:end], work.decoded.records[first]
        try:
            async with connection.transaction():  # a savepoint
                for table in work.tables:
                    await table.write(connection, table.build(items))
        except _ROW_ERRORS as error:
            if end - first > 1:
                middle = (first + end) // 2
                return [
                    *await self._isolate(connection, work, first, middle),
                    *await self._isolate(connection, work, middle, end),
                ]
            reason = f"PostgreSQL refused the row: {_first_line(error)}"
            if work.feed.truth:
                raise BrokenRecordError(
                    f"{place(work.batch.tp, record)}: {reason}. The record is the truth and is never skipped; is the "
                    "database another one than the positions belong to, or was it changed by hand?"
                ) from error
            return [Refused(record, reason)]
        return []

    async def _bury(self, work: _Work, refused: list[Refused]) -> None:
        """Send what has not been sent by an earlier attempt."""
        unsent = [letter for letter in refused if letter.record.offset not in work.letters_sent]
        if not unsent:
            return
        await self._dead_letters.send(work.batch.tp, unsent)
        work.letters_sent |= {letter.record.offset for letter in unsent}


def _name(batch: Batch) -> str:
    return f"{batch.tp.topic}/{batch.tp.partition} [{batch.start}, {batch.end})"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:_MAX_REASON]}"
