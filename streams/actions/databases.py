"""How actions reach databases: one statement, one result; and the fake that answers from a function.

Both obey one contract (``tests/actions/test_database.py``).  A query runs in a transaction that cannot write.  A change
runs in one together with its key in the table ``weir_done_actions`` of that database: however often it is performed,
it happens once, and the later ones get the result of the first.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import asyncpg
import orjson

from streams.actions.base import ActionError, invalid_config
from streams.actions.pg_errors import explained
from streams.actions.pg_values import SESSION, prepare_values, row_of
from streams.core.suggest import suggest

MAX_RESULT_BYTES = 48 * 1024
"""What an event has room for."""
MAX_ROWS = 1_000
ONE_TOO_MANY = MAX_ROWS + 1
MAX_CONNECTIONS = 8
CONNECT_S = 10.0
STOP_S = 2.0
READY_S = 86_400.0
"""How often old keys are removed."""
KEEP_DAYS = 60
"""A request is not performed again after the time of its activity, and of its retries."""

DONE_TABLE = """
    CREATE TABLE IF NOT EXISTS weir_done_actions (
        key     text PRIMARY KEY,
        result  jsonb,
        done_at timestamptz NOT NULL DEFAULT now()
    )
"""
_LOCK = 0x5745_4952_0002
"""Any number that no other program uses: "WEIR", 2."""


class SqlCall(NamedTuple):
    """``text`` has ``$1``, ``$2`` … for ``arguments``, JSON; ``database`` is a name, ``None`` the main one."""

    text: str
    arguments: list[Any]
    database: str | None = None


@dataclass(frozen=True, slots=True)
class SqlResult:
    """``rows`` as JSON objects; ``count`` are the rows that were read or changed; ``more``: there are further ones."""

    rows: list[dict[str, Any]]
    count: int
    more: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"rows": self.rows, "count": self.count, "more": self.more}


class Databases(Protocol):
    """Runs statements."""

    def check(self, database: str | None) -> None:
        """Raises ``ActionError`` when there is no database of that name."""
        ...

    async def query(self, call: SqlCall, limit: int, timeout_s: float) -> SqlResult:
        """The first ``limit`` rows.  Raises ``ActionError``."""
        ...

    async def execute(self, call: SqlCall, key: str, timeout_s: float) -> SqlResult:
        """Run it unless it was run with this ``key``.  Raises ``ActionError``, and nothing has changed."""
        ...


class PgDatabases:
    """The real ones."""

    def __init__(self, main: str, named: Mapping[str, str]) -> None:
        """URLs."""
        self._urls: dict[str | None, str] = {None: main}
        for name, url in named.items():
            self._urls[name] = url
        self._pools: dict[str | None, asyncpg.Pool] = {}
        self._ready: dict[str | None, float] = {}

    async def start(self) -> None:
        """Begin; connections are made when they are needed."""
        for name, url in self._urls.items():
            self._pools[name] = await asyncpg.create_pool(
                url[:],
                min_size=0,
                max_size=MAX_CONNECTIONS,
                timeout=CONNECT_S,
                statement_cache_size=0,  # behind a pooler the next statement may meet another server process
                server_settings=SESSION,
                init=prepare_values,
            )

    async def stop(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            try:
                async with asyncio.timeout(STOP_S):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    def check(self, database: str | None) -> None:
        check_name(database, self._urls)

    async def query(self, call: SqlCall, limit: int, timeout_s: float) -> SqlResult:
        self.check(call.database)
        one_more = limit + 1
        with self._errors(call, timeout_s, writes=False):
            async with (
                asyncio.timeout(timeout_s),
                self._pools[call.database].acquire() as connection,
                connection.transaction(readonly=True),
            ):
                await _bound(connection, timeout_s)
                statement = await connection.prepare(call.text)
                cursor = await statement.cursor(*call.arguments)
                rows = await cursor.fetch(one_more)
        result = SqlResult([row_of(row) for row in rows[:limit]], min(limit, len(rows)), len(rows) > limit)
        return checked(result)

    async def execute(self, call: SqlCall, key: str, timeout_s: float) -> SqlResult:
        self.check(call.database)
        with self._errors(call, timeout_s, writes=True):
            async with asyncio.timeout(timeout_s), self._pools[call.database].acquire() as connection:
                await self._get_ready(call.database, connection)
                async with connection.transaction(isolation="read_committed"):
                    await _bound(connection, timeout_s)
                    return await _once(connection, call, key)

    async def _get_ready(self, database: str | None, connection: asyncpg.Connection) -> None:
        """See to it that the table is there, and that it does not grow for ever."""
        now = asyncio.get_running_loop().time()
        if now - self._ready.get(database, -READY_S) < READY_S:
            return
        if await connection.fetchval("SELECT to_regclass('weir_done_actions')::text") is None:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                await connection.execute(DONE_TABLE)
        old = "DELETE FROM weir_done_actions WHERE done_at < now() - make_interval(days => $1)"
        await connection.execute(old, KEEP_DAYS)
        self._ready[database] = now

    @contextmanager
    def _errors(self, call: SqlCall, timeout_s: float, *, writes: bool) -> Iterator[None]:
        try:
            yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:  # a timeout is an OSError
            if isinstance(error, asyncpg.UndefinedTableError):
                self._ready.pop(call.database, None)
            raise explained(error, self._urls[call.database], timeout_s, writes=writes) from None


async def _bound(connection: asyncpg.Connection, timeout_s: float) -> None:
    """The server ends a statement itself, should we be gone by then."""
    await connection.execute("SELECT set_config('statement_timeout', $1, true)", max(1, round(timeout_s * 1000)))


async def _once(connection: asyncpg.Connection, call: SqlCall, key: str) -> SqlResult:
    """Within a transaction.  Another one with the same key is waited for."""
    claim = "INSERT INTO weir_done_actions (key) VALUES ($1) ON CONFLICT (key) DO NOTHING"
    if await connection.execute(claim, key) == "INSERT 0 0":
        return SqlResult(**await connection.fetchval("SELECT result FROM weir_done_actions WHERE key = $1", key))
    statement = await connection.prepare(call.text)
    if statement.get_attributes():
        cursor = await statement.cursor(*call.arguments)
        rows = await cursor.fetch(ONE_TOO_MANY)
        if len(rows) > MAX_ROWS:
            raise too_large(f"more than {MAX_ROWS} rows")
        result = SqlResult([row_of(row) for row in rows], len(rows))
    else:
        await statement.fetch(*call.arguments)
        result = SqlResult([], _count(statement.get_statusmsg()))
    document = checked(result).document()
    await connection.execute("UPDATE weir_done_actions SET result = $2 WHERE key = $1", key, document)
    return result


def _count(status: str) -> int:
    """``INSERT 0 3`` is 3, ``CALL`` is 0."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


class FakeDatabases:
    """Answers by a function; with ``available`` false, nobody is there.  ``calls`` are kept."""

    def __init__(self, answer: Callable[[SqlCall], list[dict[str, Any]]], names: tuple[str, ...] = ()) -> None:
        self._answer, self._names = answer, names
        self.available = True
        self.calls: list[SqlCall] = []
        self._done: dict[str, SqlResult] = {}

    def check(self, database: str | None) -> None:
        check_name(database, dict.fromkeys([None, *self._names]))

    async def query(self, call: SqlCall, limit: int, timeout_s: float) -> SqlResult:
        rows = await self._rows(call, timeout_s)
        return checked(SqlResult(rows[:limit], min(limit, len(rows)), len(rows) > limit))

    async def execute(self, call: SqlCall, key: str, timeout_s: float) -> SqlResult:
        if key not in self._done:
            rows = await self._rows(call, timeout_s)
            self._done[key] = checked(SqlResult(rows, len(rows)))
        return self._done[key]

    async def _rows(self, call: SqlCall, timeout_s: float) -> list[dict[str, Any]]:
        self.check(call.database)
        if not self.available:
            await asyncio.sleep(0)
            raise explained(ConnectionRefusedError("nobody is there"), "postgresql://fake/fake", timeout_s, writes=True)
        self.calls.append(call)
        return self._answer(call)


def check_name(database: str | None, known: Mapping[str | None, object]) -> None:
    """Raises ``ActionError`` when ``database`` is none of ``known``."""
    if database not in known:
        hint = suggest(str(database), [name for name in known if name is not None], "database")
        raise invalid_config(f"Unknown database {database!r}: add it to WEIR_DATABASES. {hint}".strip())


def checked(result: SqlResult) -> SqlResult:
    """``result``, unless it is too large.  Raises ``ActionError``."""
    if (size := len(orjson.dumps(result.rows))) > MAX_RESULT_BYTES:
        raise too_large(f"{size} bytes")
    return result


def too_large(what: str) -> ActionError:
    """There are more rows than an event holds."""
    fix = "Read fewer columns or rows"
    return ActionError(f"Expected rows of at most {MAX_RESULT_BYTES} bytes, but got {what}. {fix}", "answer_too_large")
