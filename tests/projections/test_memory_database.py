"""The contract of the simulated database: it and PostgreSQL are held to the same, statement by statement."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from projections import positions
from projections.feeds.events import FEED as EVENT_FEED
from projections.memory_database import MemoryConnection, MemoryDatabase
from projections.records import Batch
from projections.tables import process_history, process_instances
from streams.core.clock import PlantClock
from streams.database import _END_STOPPED, APPLICATION, Database, is_transient
from streams.transport.port import TopicPartition
from tests.projections.story import EVENTS, Story, batch, cooling, numbered
from weir.verify.database import HISTORY, INSTANCES

DEADLINE_S = 20.0


class Postgres:
    """The real one."""

    def __init__(self, url: str) -> None:
        self._url, self.projectors = url, Database(url)
        self._connections: list[asyncpg.Connection] = []

    async def connect(self, **settings: str) -> Any:
        settings = {"application_name": APPLICATION, **settings}
        connection = await asyncpg.connect(self._url, server_settings=settings)
        self._connections.append(connection)
        return connection

    async def end(self, connection: asyncpg.Connection) -> None:
        other = await self.connect(application_name="test")
        await other.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())

    async def rows(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await (await self.connect()).fetch(query)]

    def close(self) -> None:
        for connection in self._connections:
            connection.terminate()


class Memory:
    """The simulated one."""

    def __init__(self, patches: pytest.MonkeyPatch) -> None:
        self.database = MemoryDatabase()
        self.projectors = Database("postgresql://nowhere/weir")
        patches.setattr("streams.database.asyncpg.connect", self.database.connect)

    async def connect(self, **settings: str) -> Any:
        return await self.database.connect(server_settings={"application_name": APPLICATION, **settings})

    async def end(self, connection: MemoryConnection) -> None:
        connection.end()

    async def rows(self, query: str) -> list[dict[str, Any]]:
        tables, column = self.database.tables, "id" if query is INSTANCES else "instance_id"
        table = tables.process_instances if query is INSTANCES else tables.process_history
        return [row | {column: str(row[column])} for row in table.values()]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=["memory", "postgres"])
async def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    memory = request.param == "memory"
    made = Memory(monkeypatch) if memory else Postgres(request.getfixturevalue("database_url"))
    yield made
    made.projectors.close()
    made.close()


async def begun(port: Any) -> Any:
    """A connection, with the position of partition 0 at 0."""
    connection = await port.connect()
    async with connection.transaction():
        assert await positions.begin(connection, EVENTS, "id", [0, 1]) == {0: 0, 1: 0}
    return connection


def items(part: Batch) -> list[Any]:
    return EVENT_FEED.decode(TopicPartition(EVENTS, 0), part.records, PlantClock()).items


async def write(connection: Any, part: Batch) -> None:
    await process_history.write(connection, process_history.build(items(part)))
    await process_instances.write(connection, process_instances.build(items(part)))


def told(story: Story, first: int = 0, end: int | None = None) -> Batch:
    return batch(EVENTS, numbered(story.values)[first:end])


async def test_a_position_moves_from_where_it_is_and_from_nowhere_else(port: Any) -> None:
    connection = await begun(port)
    async with connection.transaction():
        assert await positions.move(connection, EVENTS, 0, 0, 7)
        assert not await positions.move(connection, EVENTS, 0, 0, 9)
    assert await positions.read(connection, EVENTS, 0) == 7
    assert await positions.begin(connection, EVENTS, "id", [0, 1]) == {0: 7, 1: 0}


@pytest.mark.parametrize("commits", [True, False])
async def test_a_second_owner_waits_for_the_first_and_sees_what_became_of_it(port: Any, *, commits: bool) -> None:
    first, second = await begun(port), await port.connect()
    with contextlib.suppress(ZeroDivisionError):
        async with first.transaction():
            assert await positions.move(first, EVENTS, 0, 0, 7)
            assert await positions.read(second, EVENTS, 0) == 0, "nobody sees what is not committed"
            moving = asyncio.create_task(positions.move(second, EVENTS, 0, 0, 5))
            await asyncio.wait([moving], timeout=0.2)
            assert not moving.done()
            _ = 1 // commits  # rolls back
    async with asyncio.timeout(DEADLINE_S):
        assert await moving is not commits
    assert await positions.read(second, EVENTS, 0) == (7 if commits else 5)


async def test_a_lock_is_waited_for_no_longer_than_said(port: Any) -> None:
    first, second = await begun(port), await port.connect(lock_timeout="200")
    async with first.transaction():
        await positions.move(first, EVENTS, 0, 0, 7)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await positions.move(second, EVENTS, 0, 0, 5)


async def test_a_savepoint_takes_back_what_came_after_it(port: Any) -> None:
    connection, story = await begun(port), cooling("a")
    async with connection.transaction():
        await write(connection, told(story, 0, 4))
        with contextlib.suppress(ZeroDivisionError):
            async with connection.transaction():
                await write(connection, told(story, 4, 9))
                _ = 1 // 0  # rolls back
        await write(connection, told(story, 4, 6))
    assert sorted(row["seq"] for row in await port.rows(HISTORY)) == [1, 2, 3, 4, 5, 6]
    assert [row["last_seq"] for row in await port.rows(INSTANCES)] == [6]


async def test_a_row_that_is_there_is_an_error(port: Any) -> None:
    connection, story = await begun(port), cooling("a")
    await write(connection, told(story, 0, 4))
    with pytest.raises(asyncpg.UniqueViolationError):
        await write(connection, told(story, 3, 5))
    assert len(await port.rows(HISTORY)) == 4


@pytest.mark.parametrize("at", ["before", "within"])
async def test_a_session_that_the_server_ends_leaves_nothing_and_is_worth_waiting_for(port: Any, at: str) -> None:
    await begun(port)
    story = cooling("a")

    async def work() -> None:
        async with port.projectors.connection() as connection, connection.transaction():
            if at == "within":
                await write(connection, told(story))
            await port.end(connection)
            await write(connection, told(story))

    with pytest.raises(Exception) as caught:
        await work()
    assert is_transient(caught.value), repr(caught.value)
    assert await port.rows(HISTORY) == []
    async with port.projectors.connection() as connection:
        assert await positions.read(connection, EVENTS, 0) == 0


async def test_a_stopped_session_of_the_same_application_can_be_ended(port: Any) -> None:
    stopped, stranger, successor = await begun(port), await port.connect(application_name="else"), await port.connect()
    open_for_long = [stopped.transaction(), stranger.transaction()]
    for one in open_for_long:
        await one.__aenter__()
    await positions.move(stopped, EVENTS, 0, 0, 7)
    await positions.move(stranger, EVENTS, 1, 0, 3)
    await asyncio.sleep(0.2)  # for so long it has been stopped
    async with asyncio.timeout(DEADLINE_S):
        assert len(await successor.fetch(_END_STOPPED, APPLICATION, 0.1)) == 1
        assert await positions.move(successor, EVENTS, 0, 0, 5)
    with pytest.raises(Exception):  # noqa: B017 - asyncpg has several
        await positions.move(stopped, EVENTS, 0, 5, 9)
    assert await positions.move(stranger, EVENTS, 1, 3, 4)


async def test_both_make_the_same_rows_of_the_same_events(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def rows_of(port: Any) -> list[list[dict[str, Any]]]:
        connection = await begun(port)
        for story in stories:
            for first, end in ((0, 1), (1, 7), (7, 9), (9, None)):
                await write(connection, told(story, first, end))
        found = [await port.rows(query) for query in (HISTORY, INSTANCES)]
        port.close()
        return [sorted(map(readable, rows), key=identity) for rows in found]

    def identity(row: dict[str, Any]) -> tuple[str, int]:
        return (row["id"], 0) if "id" in row else (row["instance_id"], row["seq"])

    def readable(row: dict[str, Any]) -> dict[str, Any]:
        json = {name: orjson.loads(row[name]) for name in ("data", "variables", "trigger") if row.get(name)}
        return row | json

    stories = [cooling("a"), cooling("b")]
    expected = await rows_of(Postgres(database_url))
    assert await rows_of(Memory(monkeypatch)) == expected
