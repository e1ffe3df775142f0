"""What the trigger ``database`` asks, on a real server: every row behind the watermark, in order, none twice."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from streams.actions import ActionRequest
from streams.actions.database_query import DatabaseQuery
from streams.actions.databases import PgDatabases
from streams.core.parse import parse_definition
from streams.core.process import compile_process
from streams.core.triggers import CompiledPoll

SCHEMA = """
    CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz, price numeric, code uuid, note text);
    INSERT INTO orders
        SELECT n, timestamptz '2026-11-21T02:00:00.000001Z' + (n / 3) * interval '1 microsecond', n + 0.10,
               ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'a ''quoted'' note'
        FROM generate_series(1, 25) AS n;
    INSERT INTO orders (id, at) VALUES (26, NULL);
"""


@pytest.fixture
async def query(fresh_database: Callable[..., str]) -> AsyncIterator[DatabaseQuery]:
    url = fresh_database()
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA)
    await connection.close()
    databases = PgDatabases(url, {})
    await databases.start()
    yield DatabaseQuery(databases)
    await databases.stop()


def compiled(watermark: str, more: str = "start: beginning") -> CompiledPoll:
    text = (
        "id: x\n"
        f'trigger: {{type: database, query: "SELECT * FROM orders WHERE id > :least -- all", params: {{least: 0}}, '
        f"watermark: {watermark}, every: 1m, limit: 4, {more}}}\n"
        "activities: [{id: note, type: service, action: log, message: x}]\n"
    )
    [found] = compile_process(parse_definition(text)).polls
    return found


async def ask(query: DatabaseQuery, poll: CompiledPoll, mark: list[str] | None, *, begun: bool) -> dict[str, Any]:
    config = poll.request(mark, begun=begun, limit=poll.limit)
    return await query.perform(ActionRequest("database_query", config, "schedule:x", "0", "x", "k", 10.0))


@pytest.mark.parametrize("watermark", ["id", "[at, id]", "price", "code"])
async def test_every_row_comes_once_in_order(query: DatabaseQuery, watermark: str) -> None:
    poll, mark, found, more = compiled(watermark), None, [], True
    while more:
        answer = await ask(query, poll, mark, begun=mark is not None)
        marks = [poll.marks(row) for row in answer["rows"]]
        assert len(marks) <= 4
        found += [row["id"] for row in answer["rows"]]
        mark, more = marks[-1] if marks else mark, answer["more"]
    assert found == list(range(1, 27 if watermark == "id" else 26)), "a row without a watermark never comes"


async def test_the_newest_row_is_where_it_starts_now(query: DatabaseQuery) -> None:
    poll = compiled("[at, id]", "start: now")
    answer = await ask(query, poll, None, begun=False)
    [row] = answer["rows"]
    mark = poll.marks(row)
    assert (row, mark[1]) == ({}, "25")
    assert (await ask(query, poll, mark, begun=True))["rows"] == []
