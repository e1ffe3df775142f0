"""The contract of the simulated database where the station needs more of it than the projector does."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from streams.core.clock import PlantClock
from streams.core.durations import instant
from streams.database import Database
from streams.station import relay
from streams.station.intake import _MOVE, _REGISTER, Intake
from streams.station.outbox import CHANNEL, Outgoing, put
from streams.station.silence import tell_silent
from streams.station.sql import users_of
from streams.transport.port import TopicPartition
from tests.station.databases import Memory, Postgres
from tests.station.test_intake import NOW_MS, position

Port = Memory | Postgres
DEADLINE_S = 20.0
POSITIONS = TopicPartition("positions", 0)


def record(number: int) -> Outgoing:
    return Outgoing("station-events", None, b"ann", str(number).encode(), (("h", None),))


async def numbered(connection: Any, after: int = 0) -> list[tuple[int, int]]:
    """Give numbers, and tell (seq, record) of what has one."""
    await connection.execute(relay._NUMBER, 100)
    return [(row["seq"], int(row["value"])) for row in await connection.fetch(relay._NEXT, after, 100)]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.02)


async def test_records_are_numbered_in_the_order_in_which_they_come_to_be_seen(database: Port) -> None:
    first, second, looking = [await database.connect() for _ in range(3)]
    async with first.transaction():
        await put(first, [record(1)])
        await put(second, [record(2), record(3)])
        assert await numbered(looking) == [(1, 2), (2, 3)]
    assert await numbered(looking) == [(1, 2), (2, 3), (3, 1)]
    assert await numbered(looking, 2) == [(3, 1)]
    await looking.execute(relay._DELETE, 2)
    assert [row["seq"] for row in await database.rows("station_outbox")] == [3]
    await looking.execute(relay._CATCH_UP, 9)
    await put(first, [record(4)])
    assert await numbered(looking, 3) == [(10, 4)]


async def test_what_is_rolled_back_was_never_there_and_brings_back_what_it_deleted(database: Port) -> None:
    connection = await database.connect()
    await put(connection, [record(1)])
    assert await numbered(connection) == [(1, 1)]
    with contextlib.suppress(ZeroDivisionError):
        async with connection.transaction():
            await put(connection, [record(2)])
            await connection.execute(relay._DELETE, 1)
            assert await database.rows("station_outbox") != []
            _ = 1 // 0  # rolls back
    assert await numbered(connection) == [(1, 1)]


async def test_a_statement_by_itself_lasts_when_its_session_ends(database: Port) -> None:
    connection, other = await database.connect(), await database.connect()
    await put(connection, [record(1)])
    await database.end(connection)
    assert await numbered(other) == [(1, 1)]


async def test_the_relay_is_told_of_what_is_committed_and_of_nothing_else(database: Port) -> None:
    listening, writing = await database.connect(), await database.connect()
    told: list[str] = []
    await listening.add_listener(CHANNEL, lambda _connection, _pid, channel, _payload: told.append(channel))
    with contextlib.suppress(ZeroDivisionError):
        async with writing.transaction():
            await put(writing, [record(1)])
            _ = 1 // 0  # rolls back
    async with writing.transaction():
        await put(writing, [record(2)])
        await put(writing, [record(3)])
        await listening.execute(relay._NUMBER, 1)  # what was sent before would have come
        assert told == []

    async def heard() -> bool:
        return bool(told)

    await until(heard)
    assert told == [CHANNEL]


async def test_one_session_holds_the_lock_until_it_ends(database: Port) -> None:
    first, second = await database.connect(), await database.connect()
    assert await first.fetchval(relay._TRY_LOCK, relay.LOCK)
    assert not await second.fetchval(relay._TRY_LOCK, relay.LOCK)
    await database.end(first)
    assert await second.fetchval(relay._TRY_LOCK, relay.LOCK)


async def test_a_session_that_says_nothing_for_long_loses_its_lock(database: Port) -> None:
    first, second = await database.connect(idle_session_timeout="300"), await database.connect()
    assert await first.fetchval(relay._TRY_LOCK, relay.LOCK)
    assert not await second.fetchval(relay._TRY_LOCK, relay.LOCK)

    async def is_free() -> bool:
        return bool(await second.fetchval(relay._TRY_LOCK, relay.LOCK))

    await until(is_free)
    with pytest.raises(Exception):  # noqa: B017 - asyncpg has several
        await first.execute(relay._NUMBER, 1)


async def test_a_session_that_ends_while_it_waits_for_a_row_never_gets_it(database: Port) -> None:
    tps = [POSITIONS]
    one = Intake(Database(database.url), PlantClock(), "dead", lambda _: _zeros(tps))
    await one.positions(tps)
    owner, waiting, third = [await database.connect() for _ in range(3)]
    async with owner.transaction():
        assert await owner.fetchval(_MOVE, *POSITIONS, 0, 7)
        moving = asyncio.create_task(waiting.fetchval(_MOVE, *POSITIONS, 0, 5))
        await asyncio.wait([moving], timeout=0.2)
        await database.end(waiting)
    with pytest.raises(Exception):  # noqa: B017 - asyncpg has several
        await moving
    async with asyncio.timeout(DEADLINE_S):
        assert await third.fetchval(_MOVE, *POSITIONS, 7, 9)


async def _zeros(tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    return dict.fromkeys(tps, 0)


async def test_of_two_who_register_somebody_one_waits_and_then_knows_them(database: Port) -> None:
    first, second = await database.connect(), await database.connect()
    async with first.transaction():
        assert [row["id"] for row in await first.fetch(_REGISTER, ["ben", "ann"], instant(NOW_MS))] == ["ann", "ben"]
        assert await users_of(second, ["ann"]) == {}
        registering = asyncio.create_task(second.fetch(_REGISTER, ["ann", "cleo"], instant(NOW_MS)))
        await asyncio.wait([registering], timeout=0.2)
        assert not registering.done()
    assert [row["id"] for row in await registering] == ["cleo"]
    assert sorted(await users_of(second, ["ann", "ben", "cleo", "dora"])) == ["ann", "ben", "cleo"]


async def test_whoever_is_being_written_to_is_not_silent(database: Port) -> None:
    own, connection = Database(database.url), await database.connect()
    one = Intake(own, PlantClock(), "dead", lambda _: _zeros([POSITIONS]))
    await one.positions([POSITIONS])
    await one.take(POSITIONS, [position(0, "ann"), position(1, "ben")], 2, NOW_MS)
    async with connection.transaction():
        await users_of(connection, ["ann"], change=True)
        assert await tell_silent(own, PlantClock(), 300, NOW_MS + 301_000) == 1
    assert await tell_silent(own, PlantClock(), 300, NOW_MS + 301_000) == 1
    assert {row["id"]: row["online"] for row in await database.rows("users")} == {"ann": False, "ben": False}
    own.close()
