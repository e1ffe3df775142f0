"""Replays while the plant works: the projector as a process, records that keep coming, a reader that keeps asking."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.projections.replaying import ReplaySite, rows_of, until
from tests.roles import running
from tests.site import migrated

REPLAYS = 3
READ_EVERY_S, WRITE_EVERY_S = 0.02, 0.2
AHEAD_EVENTS = 3_000
"""How far the projector may be behind what is written: it works all the time, and the test ends."""


@asynccontextmanager
async def going_on(endless: Callable[[], AsyncIterator[None]]) -> AsyncIterator[None]:
    """``endless`` beside the body, to the end of its present round."""
    stopped = asyncio.Event()

    async def go_on() -> None:
        async for _ in endless():
            if stopped.is_set():
                return

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        stopped.set()
        await task


async def test_three_replays_under_load(site: ReplaySite, fresh_database: Callable[..., str], tmp_path: Path) -> None:
    counts = [0]
    reader = await asyncpg.connect(site.settings.database_url)
    history_rows = await reader.prepare("SELECT count(*) FROM process_history")

    async def write() -> AsyncIterator[None]:
        while True:
            await site.write(instances=40, readings=100, broken=1)
            await until(lambda: projected(site.events - AHEAD_EVENTS))
            await asyncio.sleep(WRITE_EVERY_S)
            yield

    async def read() -> AsyncIterator[None]:
        while True:
            counts.append(await history_rows.fetchval())
            await asyncio.sleep(READ_EVERY_S)
            yield

    async def projected(events: int) -> bool:
        return counts[-1] >= events

    async with running("projections.app", site.settings, tmp_path) as role:
        async with going_on(read):
            async with going_on(write):
                await until(lambda: projected(500))
                for _ in range(REPLAYS):
                    written, seen = len(site.stories), len(counts)
                    report = await site.replay()
                    assert report.tables["process_history"].rows >= report.tables["process_history"].before > 0
                    assert len(site.stories) > written
                    assert len(counts) > seen
                    await until(lambda had=counts[-1]: projected(had + 500))
            await until(lambda: projected(site.events))
        await until(lambda: _as_far(site, 101 * len(site.stories) // 40))
        assert role.process.returncode is None
        assert "NotOwnerError" not in role.output()
        await role.stop()
    await reader.close()
    assert counts == sorted(counts)  # nobody ever saw a row less
    assert await site.history() == site.told
    fresh = fresh_database(migrated)
    await site.project(fresh)
    connection = await asyncpg.connect(fresh)
    try:
        assert await site.rows() == await rows_of(connection)
    finally:
        await connection.close()


async def _as_far(site: ReplaySite, records: int) -> bool:
    return await site.position(site.telemetry) == records
