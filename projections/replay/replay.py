"""The order of a replay, and who may run one: see the package's docstring.

The live projector is made to wait only for the last records and the exchange, and never for longer than
``HOLD_TIMEOUT_S``; it then goes on by itself, without a restart.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
import structlog
from aiokafka.errors import OffsetOutOfRangeError

from projections.dead_letters import DroppedDeadLetters
from projections.errors import ReplayError, ReplayRunningError, TopicRecreatedError
from projections.feeds import feeds_of
from projections.projector import Projector
from projections.records import Batch
from projections.replay import keep, shadow, swap
from projections.replay.bulk import CONCURRENT, project_spans
from projections.replay.report import OnProgress, Progress, ReplayReport, TableReport
from projections.topic_log import FixedTopicLog, KafkaTopicLog
from streams.database import CONNECT_TIMEOUT_S
from streams.log import Log, LogError, Span, opened
from streams.refusals import refusal
from streams.refused import RefusedError
from streams.settings import Settings
from streams.topics import Topics
from streams.transport.port import TopicPartition

FEW_OFFSETS = 5_000
"""So little is projected while the projector waits."""
CATCH_UP_ROUNDS = 20
HOLD_TIMEOUT_S = 12.0
"""For how long the live projector waits at most: less than its own patience with a lock (``streams.database``)."""
SWAP_PATIENCE_S = 600.0
"""For how long the swap is tried, when readers do not let go of the tables."""
SWAP_PAUSE_S = 2.0
PROJECTING = "projecting"
REPLAY_LOCK = 0x5745_4952_0002  # beside the migrations' lock: "WEIR", 2

log = structlog.get_logger(__name__)


async def replay_projections(
    settings: Settings, topics: Topics, progress: OnProgress, *, restart: bool = False
) -> ReplayReport:
    """Build the projected tables anew from the topics, and put them in the place of the live ones.

    Goes on with what an earlier run of the same code began, unless ``restart``.  Raises ``ProjectionError`` (also
    ``ReplayRunningError``), ``LogError``, ``KafkaError``, ``OSError`` and ``asyncpg.PostgresError``; the live tables
    are then as they were, unless the message says otherwise.
    """
    began = time.monotonic()
    async with _alone(settings.database_url) as connection:
        live = await shadow.live_schema(connection)
        await swap.check_dependents(connection, live)
        await swap.drop_replaced(connection)  # left by a run that ended after its swap
        feeds = feeds_of(topics)
        ids = await KafkaTopicLog(settings).ids(list(feeds))
        await _check_incarnations(connection, live, ids)
        fingerprint = shadow.fingerprint_of(settings.plant_clock, feeds, ids)
        resumed = await shadow.prepare(connection, fingerprint, restart=restart)
        async with opened(settings) as topic_log:
            replay = _Replay(settings, topics, ids, live, topic_log, progress)
            try:
                swapped_at = await replay.run(connection)
            finally:
                replay.close()
        replay.say("counting rows")
        rows, before = await swap.rows_of(connection, live), await swap.rows_of(connection, swap.REPLACED)
        await swap.drop_replaced(connection)
    return ReplayReport(
        tables={table: TableReport(rows[table], before[table]) for table in rows},
        records=replay.projector.counts.records,
        refused=replay.projector.counts.refused,
        kept_rows=replay.kept_rows,
        resumed=resumed,
        seconds=time.monotonic() - began,
        held_s=replay.held_s,
        swapped_at=swapped_at,
    )


class _Replay:
    """One run, from a prepared shadow to the swap."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        ids: dict[str, str | None],
        live: str,
        topic_log: Log,
        progress: OnProgress,
    ) -> None:
        self._feeds = feeds_of(topics)
        self._live, self._log, self._progress = live, topic_log, progress
        self._database = shadow.shadow_database(settings.database_url, connections=CONCURRENT + 1)
        self.projector = Projector(
            self._database,
            self._feeds,
            topic_log=FixedTopicLog(ids),  # the beginnings of partitions are the business of ``keep``
            dead_letters=DroppedDeadLetters(),
            clock=settings.plant_clock,
        )
        self.kept_rows, self.held_s = 0, 0.0
        self._done = self._total = self._here = 0
        self._began = time.monotonic()

    async def run(self, connection: asyncpg.Connection) -> datetime:
        """Everything up to the swap; returns when that was.  ``connection`` sees the live tables."""
        await self._reading(lambda: self._catch_up(connection))
        self.say("collecting statistics")
        await shadow.analyze(connection)
        return await self._swap(connection)

    def close(self) -> None:
        """Drop the connections to the shadow."""
        self._database.close()

    def say(self, step: str) -> None:
        """Tell where the replay is."""
        records = self.projector.counts.records if step == PROJECTING else 0
        self._progress(Progress(step, self._done, self._total, self._here, records, time.monotonic() - self._began))

    async def _swap(self, connection: asyncpg.Connection) -> datetime:
        deadline = time.monotonic() + SWAP_PATIENCE_S
        while True:
            for _ in range(CATCH_UP_ROUNDS):
                if await self._reading(lambda: self._catch_up(connection)) <= FEW_OFFSETS:
                    break
            self.say("swapping tables")
            try:
                return await self._swap_now(connection)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    who = "; ".join(await swap.readers(connection, self._live)) or "nobody any more"
                    raise ReplayError(
                        f"Expected to swap the tables within {SWAP_PATIENCE_S:g} s, but they are in use by {who}. The "
                        "new tables are kept: end those readers and replay again, it goes on from here"
                    ) from error
                self.say("waiting for readers of the live tables")
            await asyncio.sleep(SWAP_PAUSE_S)

    async def _swap_now(self, connection: asyncpg.Connection) -> datetime:
        """One attempt, in a transaction; nothing has changed when it raises."""
        began = time.monotonic()
        async with asyncio.timeout(HOLD_TIMEOUT_S) as limit, connection.transaction():
            await swap.hold_projector(connection, self._live)
            await self._catch_up(connection)
            moment = await swap.swap(connection, self._live)
            limit.reschedule(None)  # a commit that has begun is waited for
        self.held_s = time.monotonic() - began
        return moment

    async def _reading(self, attempt: Callable[[], Awaitable[int]]) -> int:
        """``attempt``, once more when the log dropped records in the midst of it: ``keep`` takes their rows then."""
        try:
            return await attempt()
        except (LogError, OffsetOutOfRangeError) as error:
            log.warning("reading was interrupted, beginning again where it was", error=str(error))
            return await attempt()

    async def _catch_up(self, connection: asyncpg.Connection) -> int:
        """Bring the shadow to the positions that the live tables have now; returns how many offsets that took.

        The shadow's own connections never touch the live positions: ``connection`` may hold them locked.
        """
        live = await shadow.positions_of(connection, self._live)
        targets = {one.tp: one.position for one in live}
        declared = [tp for tp in targets if tp.topic in self._feeds]
        undeclared = [one for one in live if one.tp.topic not in self._feeds]
        async with self._database.connection() as own:
            reached = await shadow.settle(own, undeclared)
        behind_undeclared = {tp.topic for tp, position in reached.items() if position < targets[tp]}
        await keep.check_undeclared(connection, self._live, behind_undeclared)
        reached |= {tp: position or 0 for tp, position in (await self.projector.positions(declared)).items()}
        self._done, self._total = sum(reached.values()), sum(targets.values())
        behind = self._total - self._done
        if kept := keep.gone(self._feeds, reached, targets, await self._log.bounds(declared)):
            reached |= await self._keep(kept)
            await self.projector.positions(declared)
        spans = {tp: Span(reached[tp], targets[tp]) for tp in declared if reached[tp] != targets[tp]}
        _check_forward(spans)
        if spans:
            self.say(PROJECTING)
            await project_spans(self._log, self.projector, spans, self._projected)
        return behind

    async def _keep(self, kept: list[keep.Kept]) -> dict[TopicPartition, int]:
        """Copy what the topics no longer hold; returns the positions after that."""
        self.say("copying telemetry that the topics no longer hold")
        async with self._database.connection() as own:
            self.kept_rows += await keep.keep(own, self._live, kept)
        self._advance(sum(one.end - one.first for one in kept))
        return {one.tp: one.end for one in kept}

    def _projected(self, batch: Batch) -> None:
        self._advance(batch.end - batch.start)
        self.say(PROJECTING)

    def _advance(self, offsets: int) -> None:
        self._done += offsets
        self._here += offsets


def _check_forward(spans: dict[TopicPartition, Span]) -> None:
    """Raises ``ReplayError`` for a span that ends before it starts."""
    for tp, (reached, target) in spans.items():
        if target < reached:
            raise ReplayError(
                f"Expected the live tables at offset {reached} of {tp.topic}/{tp.partition} or behind it, but they "
                f"went back to {target} since the replay began. Begin anew with --restart"
            )


async def _check_incarnations(connection: asyncpg.Connection, live: str, ids: dict[str, str | None]) -> None:
    """Raises ``TopicRecreatedError`` when rows came from topics that were deleted since."""
    for tp, topic_id, _ in await shadow.positions_of(connection, live):
        current = ids.get(tp.topic)
        if current is not None and topic_id not in ("", current):
            raise TopicRecreatedError(
                f"Expected topic {tp.topic} with the id {topic_id}, as projected so far, but it has {current}: it was "
                "deleted and created anew, and what the tables hold of the old one cannot be built from it"
            )


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees the live tables, without timeouts, and the right to replay as long as it is open."""
    settings = {"application_name": shadow.APPLICATION, "timezone": "UTC"}
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
    except (OSError, asyncpg.PostgresError, asyncpg.exceptions.ClientConfigurationError) as error:
        if (refused := refusal(error, url)) is not None:
            raise RefusedError(refused) from None
        raise
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", REPLAY_LOCK):
            raise ReplayRunningError(
                "Expected to be the only replay, but another one is at work on this database. Wait for it, or end it; "
                "what it has done is not lost"
            )
        yield connection
    finally:
        await connection.close()
