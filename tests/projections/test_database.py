"""The projector's connections: what counts as a database that is away, and what as a mistake of ours."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from streams.database import Database
from tests.roles import until


async def _end(connection: asyncpg.Connection, url: str) -> None:
    """End the connection from the server's side, and wait until asyncpg has noticed, between two statements."""
    pid = await connection.fetchval("SELECT pg_backend_pid()")
    other = await asyncpg.connect(url)
    try:
        await other.execute("SELECT pg_terminate_backend($1)", pid)
    finally:
        await other.close()
    await until(connection.is_closed, lambda: "the connection stays open")


@pytest.mark.parametrize("kind", ["connection", "unbounded"])
async def test_a_connection_that_ends_between_two_statements_is_waited_for(
    fresh_database: Callable[[], str], kind: str
) -> None:
    """Also the one of the migrations, with which a projector begins."""
    url = fresh_database()
    database = Database(url)
    attempts = 0

    async def work() -> int:
        nonlocal attempts
        attempts += 1
        async with getattr(database, kind)() as connection, connection.transaction():
            if attempts == 1:
                await _end(connection, url)
            return int(await connection.fetchval("SELECT 7"))

    assert await database.patiently("a test", work) == 7
    assert attempts == 2
    database.close()


async def test_what_goes_wrong_while_rolling_back_is_what_made_it_roll_back(fresh_database: Callable[[], str]) -> None:
    database = Database(fresh_database())

    async def fail() -> None:
        async with database.connection():
            try:
                raise TimeoutError
            finally:
                raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")

    with pytest.raises(ConnectionResetError):
        await fail()
    database.close()


async def test_a_mistake_of_ours_is_not_waited_for(fresh_database: Callable[[], str]) -> None:
    database = Database(fresh_database())
    with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
        async with database.connection() as connection:
            await asyncio.gather(connection.execute("SELECT pg_sleep(0.05)"), connection.execute("SELECT 1"))
    database.close()
