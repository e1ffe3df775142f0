"""The gateway's connections: a database that is away, comes back, or has too much to do."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from streams.settings import Settings
from weir.api import database as module
from weir.api.database import Database
from weir.api.problems import ProblemError
from weir.stack.ports import free_port_numbers


def settings_of(url: str, connections: int = 2) -> Settings:
    return Settings(_env_file=None, database_url=url, api_database_connections=connections)


async def ask(database: Database, question: str = "SELECT 1") -> object:
    async with database.connection() as connection:
        return await connection.fetchval(question)


async def refused(database: Database, question: str = "SELECT 1") -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await ask(database, question)
    assert caught.value.status == 503
    assert int((caught.value.headers or {})["Retry-After"]) >= 1
    return caught.value


async def test_a_database_that_is_away_is_told_and_asked_again() -> None:
    (port,) = free_port_numbers(1, 20000, 20999)
    async with Database(settings_of(f"postgresql://weir:secret@127.0.0.1:{port}/weir")) as database:
        for _ in range(2):
            problem = await refused(database)
            assert (problem.kind, "secret" in problem.detail) == ("database_unreachable", False)


async def test_connections_that_were_lost_are_made_again(fresh_database: Callable[..., str]) -> None:
    async with Database(settings_of(fresh_database(), connections=1)) as database:
        pid = await ask(database, "SELECT pg_backend_pid()")
        assert await ask(database, "SELECT pg_backend_pid()") == pid, "one connection for both"
        problem = await refused(database, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert problem.kind == "database_unreachable"
        assert await ask(database, "SELECT pg_backend_pid()") != pid


async def test_what_is_not_there_yet_is_unavailable(fresh_database: Callable[..., str]) -> None:
    async with Database(settings_of(fresh_database())) as database:
        assert "weir migrate" in (await refused(database, "SELECT * FROM process_instances")).fix


async def test_few_may_wait_and_not_long(fresh_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    async with Database(settings_of(fresh_database(), connections=1)) as database:
        async with database.connection():
            monkeypatch.setattr(module, "WAIT_S", 0.05)  # not before: a connection takes its time
            waiting = [asyncio.create_task(refused(database)) for _ in range(3)]
            await asyncio.sleep(0)
            assert "3 requests wait" in (await refused(database)).detail
            assert {problem.kind for problem in await asyncio.gather(*waiting)} == {"database_busy"}
        monkeypatch.undo()
        assert await ask(database) == 1


async def test_a_question_that_takes_too_long_is_cancelled(
    fresh_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUERY_S", 0.5)  # enough for the question that is quick
    url = fresh_database()
    async with Database(settings_of(url, connections=1)) as database:
        assert (await refused(database, "SELECT pg_sleep(60)")).kind == "database_slow"
        assert await ask(database) == 1
    admin = await asyncpg.connect(url)
    try:
        left = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> $1",
            admin.get_server_pid(),
        )
        assert left == 0
    finally:
        await admin.close()
