"""``database_query`` and ``database_execute`` on the fake and on a real server, and what only a real one shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
import pytest

from streams.actions import ActionError, ActionRequest
from streams.actions.database_execute import DatabaseExecute
from streams.actions.database_query import DatabaseQuery
from streams.actions.databases import Databases, FakeDatabases, PgDatabases, SqlCall

NOBODY = "postgresql://weir:pl4nted-word@127.0.0.1:24992/weir"
SCHEMA = """
    CREATE TABLE orders (id int PRIMARY KEY, device text, at timestamptz, price numeric(9, 2), note jsonb, tags text[]);
    INSERT INTO orders VALUES
        (1, 'pump-1', '2026-11-21T02:00:00.5Z', 12.50, '{"a": [1, null]}', '{x,y}'), (2, 'pump-2', NULL, 7, NULL, NULL);
"""


class World(NamedTuple):
    """Databases with two orders, and some where nobody is."""

    databases: Databases
    away: Databases


def answer(call: SqlCall) -> list[dict[str, Any]]:
    """What the fake knows of the orders."""
    if call.text.startswith("SELECT id"):
        return [{"id": 1}, {"id": 2}]
    if call.text.startswith("SELECT repeat"):
        return [{"x": "x" * 60_000}]
    return [{"id": call.arguments[0]}]


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        fake, away = FakeDatabases(answer, ("erp",)), FakeDatabases(answer)
        away.available = False
        yield World(fake, away)
        return
    nobody = PgDatabases(NOBODY, {})
    await nobody.start()
    async with with_orders(request.getfixturevalue("fresh_database")()) as real:
        yield World(real, nobody)
    await nobody.stop()


@pytest.fixture
async def orders(fresh_database: Callable[..., str]) -> AsyncIterator[PgDatabases]:
    async with with_orders(fresh_database()) as real:
        yield real


@asynccontextmanager
async def with_orders(url: str) -> AsyncIterator[PgDatabases]:
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA)
    await connection.close()
    real = PgDatabases(url, {"erp": url})
    await real.start()
    yield real
    await real.stop()


def request(config: dict[str, Any], key: str = "i:a:1", time_left_s: float = 20.0) -> ActionRequest:
    return ActionRequest("database", config, "i", "a", "d", key, time_left_s)


async def query(databases: Databases, time_left_s: float = 20.0, **config: Any) -> dict[str, Any]:
    return await DatabaseQuery(databases).perform(request(config, time_left_s=time_left_s))


async def execute(databases: Databases, key: str = "i:a:1", time_left_s: float = 20.0, **config: Any) -> dict[str, Any]:
    return await DatabaseExecute(databases).perform(request(config, key, time_left_s))


INSERT = "INSERT INTO orders (id, device) VALUES (:id, :device) RETURNING id"


async def test_rows_come_back_up_to_the_limit(world: World) -> None:
    ids = "SELECT id FROM orders ORDER BY id"
    assert await query(world.databases, query=ids) == {"rows": [{"id": 1}, {"id": 2}], "count": 2, "more": False}
    assert await query(world.databases, query=ids, limit=1) == {"rows": [{"id": 1}], "count": 1, "more": True}
    assert (await query(world.databases, query=ids, database="erp"))["count"] == 2


async def test_a_change_happens_once_however_often_it_is_performed(world: World) -> None:
    for _ in range(3):
        changed = await execute(world.databases, statement=INSERT, params={"id": 3, "device": "it's"})
        assert changed == {"count": 1, "rows": [{"id": 3}]}
    assert (await execute(world.databases, "i:a:2", statement=INSERT, params={"id": 4, "device": "x"}))["count"] == 1


async def test_a_database_that_is_away_may_be_there_later(world: World) -> None:
    for attempt in (query(world.away, query="SELECT id"), execute(world.away, statement="DELETE FROM orders")):
        with pytest.raises(ActionError) as failed:
            await attempt
        assert (failed.value.error_type, failed.value.retryable) == ("unavailable", True)
        assert "pl4nted" not in str(failed.value)


async def test_a_name_that_is_not_in_the_settings_is_refused(world: World) -> None:
    for attempt in (query(world.databases, query="SELECT id", database="epr"),):
        with pytest.raises(ActionError, match="Unknown database 'epr': add it to WEIR_DATABASES") as failed:
            await attempt
        assert failed.value.error_type == "invalid_config"


async def test_more_than_an_event_holds_is_refused(world: World) -> None:
    with pytest.raises(ActionError) as failed:
        await query(world.databases, query="SELECT repeat('x', 60000) AS x")
    assert failed.value.error_type == "answer_too_large"


# ---- the real one


async def test_values_are_parameters_of_the_type_that_is_wanted(orders: PgDatabases) -> None:
    [row] = (
        await query(
            orders,
            query="SELECT * FROM orders "
            "WHERE device = :d AND at > :at AND price = :p AND id = ANY(:ids) AND note @> :n",
            params={"d": "pump-1", "at": "2026-11-21T02:00:00Z", "p": 12.5, "ids": [1, 2.0], "n": {"a": [1]}},
        )
    )["rows"]
    assert row == {
        "id": 1,
        "device": "pump-1",
        "at": "2026-11-21T02:00:00.5Z",
        "price": 12.5,
        "note": {"a": [1, None]},
        "tags": ["x", "y"],
    }


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("NULL::int", None),
        ("true", True),
        ("9007199254740993::bigint", 9007199254740993),
        ("7.00::numeric", 7),
        ("'NaN'::float8", None),
        ("'Infinity'::numeric", None),
        ("date '2026-11-21'", "2026-11-21"),
        ("timestamp '2026-11-21 02:00'", "2026-11-21T02:00:00"),
        ("timestamptz '2026-11-21 02:00+01'", "2026-11-21T01:00:00Z"),
        ("'infinity'::timestamptz", "infinity"),
        ("interval '90 min'", "PT1H30M"),
        ("'{\"a\": 1.5}'::json", {"a": 1.5}),
        ("ARRAY[[1, 2], [3, NULL]]", [[1, 2], [3, None]]),
        ("int4range(1, 5)::text", "[1,5)"),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("'\\x00ff'::bytea", "\\x00ff"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("point '(1,2)'", [1.0, 2.0]),
    ],
)
async def test_what_comes_back_is_json(orders: PgDatabases, expression: str, value: Any) -> None:
    [row] = (await query(orders, query=f"SELECT {expression} AS x"))["rows"]
    assert row["x"] == value
    assert type(row["x"]) is type(value)


async def test_a_value_is_never_part_of_the_statement(orders: PgDatabases) -> None:
    evil = "x'; DROP TABLE orders; --"
    assert (await query(orders, query="SELECT id FROM orders WHERE device = :d", params={"d": evil}))["count"] == 0
    await execute(orders, statement=INSERT, params={"id": 9, "device": evil})
    found = await query(orders, query="SELECT device FROM orders WHERE id = $1", params=[9])
    assert found["rows"] == [{"device": evil}]


@pytest.mark.parametrize(
    "statement",
    [
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT nextval('numbers')",
        "WITH a AS (SELECT 1) INSERT INTO orders (id) VALUES (5)",
    ],
)
async def test_a_query_cannot_write(orders: PgDatabases, statement: str) -> None:
    await execute(orders, "s", statement="SELECT 1")
    async with orders._pools[None].acquire() as connection:
        await connection.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(ActionError) as failed:
        await query(orders, query=statement)
    assert failed.value.error_type == "database_error"
    assert (await query(orders, query="SELECT id FROM orders"))["count"] == 2


@pytest.mark.parametrize(
    ("statement", "error_type", "retryable"),
    [
        ("INSERT INTO orders (id) VALUES (1)", "database_constraint", False),
        ("INSERT INTO nowhere VALUES (1)", "database_error", False),
        ("INSERT INTO orders (id) VALUES (1 / 0)", "database_error", False),
        ("SELECT int4range(1, 5)", "database_error", False),
        ("SELECT pg_sleep(60)", "timeout", True),
    ],
)
async def test_an_error_is_told_and_leaves_nothing(
    orders: PgDatabases, statement: str, error_type: str, retryable: bool
) -> None:
    for _ in range(2):  # the key is not taken by what has failed
        with pytest.raises(ActionError) as failed:
            await execute(orders, statement=statement, time_left_s=1.5)
        assert (failed.value.error_type, failed.value.retryable) == (error_type, retryable)
    kept = await query(orders, query="SELECT key FROM weir_done_actions")
    assert kept["count"] == 0


async def test_a_password_that_is_wrong_is_refused(stack: Any, fresh_database: Callable[..., str]) -> None:
    url = fresh_database().replace("://weir", "://nobody_here", 1)
    databases = PgDatabases(url, {})
    await databases.start()
    with pytest.raises(ActionError) as failed:
        await query(databases, query="SELECT 1")
    await databases.stop()
    assert (failed.value.error_type, failed.value.retryable) == ("database_refused", False)


async def test_two_workers_at_the_same_time_change_once(orders: PgDatabases) -> None:
    slow = "INSERT INTO orders (id) SELECT 7 FROM pg_sleep(0.3)"
    first, second = await asyncio.gather(*(execute(orders, "k", statement=slow) for _ in range(2)))
    assert first == second == {"count": 1, "rows": []}


async def test_too_many_rows_undo_the_change(orders: PgDatabases) -> None:
    many = "INSERT INTO orders (id) SELECT generate_series(100, 1200) RETURNING id"
    with pytest.raises(ActionError) as failed:
        await execute(orders, statement=many)
    assert failed.value.error_type == "answer_too_large"
    assert (await query(orders, query="SELECT id FROM orders"))["count"] == 2


async def test_old_keys_are_removed(orders: PgDatabases) -> None:
    await execute(orders, "old", statement="SELECT 1")
    async with orders._pools[None].acquire() as connection:
        await connection.execute("UPDATE weir_done_actions SET done_at = now() - interval '61 days'")
    orders._ready.clear()
    await execute(orders, "new", statement="SELECT 1")
    kept = await query(orders, query="SELECT key FROM weir_done_actions")
    assert kept["rows"] == [{"key": "new"}]


def test_a_dry_run_shows_the_statement_as_it_was_written() -> None:
    effect = DatabaseExecute(FakeDatabases(answer)).dry_run(
        request({"statement": INSERT, "params": {"id": 1, "device": "x"}})
    )
    assert effect.does == "changes rows of the database"
    assert effect.details == {"statement": INSERT, "arguments": [1, "x"], "database": None}
