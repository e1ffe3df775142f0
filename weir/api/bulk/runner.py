"""Works on bulk operations, beside the requests: one page at a time, in turn.

No page is begun while the processor is behind by half of what closes the gate: requests come first.
"""

import asyncio
import time
import uuid
from contextlib import AsyncExitStack, suppress
from typing import NoReturn, Self

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from projections.queries import instances
from streams.log import LogError
from streams.settings import Settings
from streams.topics import Topics
from weir.api.bulk import page as pages
from weir.api.bulk import table
from weir.api.bulk.operations import command_of
from weir.api.bulk.table import Page, Work
from weir.api.database import Database
from weir.api.gate import Gate
from weir.api.problems import ProblemError
from weir.api.sending import Sender
from weir.decisions import Decisions, decisions

PAGE = 200
"""Instances whose commands are one transaction."""
SHARE = 0.5
"""Of the lag at which the gate closes."""
IDLE_S = 5.0
"""How often a gateway looks whether another one has left something."""
RETRY_S = 1.0
OUTCOME_S = 20.0
"""So long a page is waited for before others have their turn; less than a lease."""
_LATER = (KafkaError, LogError, ProblemError, OSError, TimeoutError)
"""Kafka or the database is away: the page is gone on with when they are back."""

log = structlog.get_logger("weir.api")


class Runner:
    """``serve`` runs beside the requests; ``wake`` tells it that there is something to do."""

    def __init__(self, settings: Settings, topics: Topics, database: Database, sender: Sender, gate: Gate) -> None:
        self._settings, self._topics, self._database = settings, topics, database
        self._sender, self._gate = sender, gate
        self._owner = uuid.uuid4().hex
        self._size = max(1, min(PAGE, round(settings.api_max_lag_records * SHARE)))
        self._woken = asyncio.Event()
        self._trouble: str | None = None

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def serve(self) -> NoReturn:
        """Work, again and again, whatever happens to Kafka and the database."""
        while True:
            pause_s = IDLE_S
            try:
                await self._work_off()
                self._trouble = None
            except _LATER as error:
                self._tell(str(error) or type(error).__name__)
                pause_s = RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()
            self._woken.clear()

    def _tell(self, trouble: str) -> None:
        """Once, however long it lasts."""
        if trouble != self._trouble:
            log.warning("bulk operations wait", error=trouble, again_in_s=RETRY_S)
        self._trouble = trouble

    async def _work_off(self) -> None:
        """Page by page, until there is nothing to do."""
        if (row := await self._take()) is None:
            return
        async with decisions(self._settings, self._topics) as reading, _Writers(self._settings) as writers:
            while row is not None:
                try:
                    await self._work(reading, writers, table.work_of(row))
                except _LATER:
                    raise
                except Exception as error:
                    log.exception("a bulk operation failed", id=str(row["id"]))
                    async with self._database.connection() as connection:
                        text = f"{type(error).__name__}: {error}"
                        await table.finish(connection, self._owner, row["id"], "failed", text)
                row = await self._take()

    async def _take(self) -> asyncpg.Record | None:
        """The operation that has waited longest."""
        async with self._database.connection() as connection:
            return await table.take(connection, self._owner)

    async def _work(self, reading: Decisions, writers: "_Writers", work: Work) -> None:
        """A page of it."""
        if self._gate.closed(SHARE) is not None and not (work.page is not None and work.page.sent):
            await asyncio.sleep(RETRY_S)
            return
        producer = await writers.of(str(work.bulk.id))
        page = work.page or await self._next(work)
        if page is None:
            return
        commands = [command_of(work.bulk.id, work.bulk.operation, work.bulk.parameters, one) for one in page.ids]
        found = await pages.sent_before(reading, work, commands)
        if found is None and pages.is_beyond_log(page, self._settings.commands_keep_s, time.time() * 1000):
            found = {}, {}
        if found is None:
            if work.bulk.status != "running":
                await self._give_up(work)
                return
            found = await pages.send(producer, reading, self._topics, self._sender.client(), commands)
            self._gate.sent(len(commands))
        if not page.sent:
            await self._sent(work, page)
        await self._decided(reading, work, page, found)

    async def _next(self, work: Work) -> Page | None:
        """The next page, written down; ``None`` when there is none, or the operation is somebody else's by now."""
        bulk = work.bulk
        async with self._database.connection() as connection:
            found = await instances(connection, bulk.filter, before=work.last_id, limit=self._size)
            if not found:
                await table.finish(connection, self._owner, bulk.id, "completed", None)
                return None
            page = Page([str(one.id) for one in found], round(time.time() * 1000))
            return page if await table.begin(connection, self._owner, bulk.id, page) else None

    async def _give_up(self, work: Work) -> None:
        async with self._database.connection() as connection:
            await table.begin(connection, self._owner, work.bulk.id, None)

    async def _sent(self, work: Work, page: Page) -> None:
        async with self._database.connection() as connection:
            await table.sent(connection, self._owner, work.bulk.id, page)

    async def _decided(self, reading: Decisions, work: Work, page: Page, sent: pages.Sent) -> None:
        """Count what became of the page, or leave it for the next turn when that takes longer."""
        positions, places = sent
        outcomes = await reading.outcomes(positions, places, OUTCOME_S) if places else {}
        if len(outcomes) < len(places):
            return
        bulk = work.bulk
        ids = [command_of(bulk.id, bulk.operation, bulk.parameters, one).id or "" for one in page.ids]
        by_id = {one: outcomes[id_] for one, id_ in zip(page.ids, ids, strict=True) if id_ in outcomes}
        refusals = [found for one, outcome in by_id.items() if (found := pages.refusal(one, outcome)) is not None]
        refusals += pages.unknown(page, places, ids)
        async with self._database.connection() as connection:
            await table.over(connection, self._owner, work.bulk, page, refusals)


class _Writers:
    """The producer of the operation that was worked on last.  One that was fenced raises, and all begins anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name: str | None = None
        self._stack = AsyncExitStack()

    async def of(self, name: str) -> AIOKafkaProducer:
        """Of the operation ``name``: entered, so whoever had it before is fenced."""
        if name != self._name:
            await self._stack.aclose()
            self._name = None
            self._producer = await self._stack.enter_async_context(pages.writer(self._settings, name))
            self._name = name
        return self._producer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
