"""A simulated PostgreSQL behind asyncpg's connection, as far as the projector uses it: for tests and simulations.

Simulated: transactions with savepoints, READ COMMITTED, row locks with ``lock_timeout``, unique keys, rows in binary
COPY, sessions that end in the middle of anything (a commit too), ``pg_terminate_backend``.  The statements are those of
the projector, known by their text (``memory_tables.STATEMENTS``): another one is an error.

``tests/simulation/test_database.py`` holds it to the real database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections import memory_tables
from projections.memory_tables import Tables

Travel = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    await asyncio.sleep(0)


class MemoryDatabase:
    """The server.  ``travel`` is awaited where a message is on its way to or from it."""

    def __init__(self, travel: Travel = _at_once) -> None:
        self.tables = Tables()
        self.travel = travel
        self.sessions: list[MemoryConnection] = []
        self.locks: dict[Hashable, MemoryConnection] = {}

    async def connect(self, *_: Any, server_settings: Mapping[str, str] | None = None, **__: Any) -> "MemoryConnection":
        """``asyncpg.connect``."""
        await self.travel()
        session = MemoryConnection(self, server_settings or {})
        self.sessions.append(session)
        return session

    def commit(self, session: "MemoryConnection") -> None:
        """Make what a session has done last."""
        session.committed_all()


class MemoryConnection:
    """A session, and the client's end of it; one task uses it at a time."""

    def __init__(self, database: MemoryDatabase, settings: Mapping[str, str]) -> None:
        self._database = database
        self._lock_timeout_s = int(settings.get("lock_timeout", "0")) / 1000 or None
        self._application = settings.get("application_name", "")
        self._undo: list[Callable[[], Any]] = []
        self._before: dict[int, dict[Hashable, Any]] = {}
        """Rows as they were before the transaction, by table and key."""
        self._depth = 0
        self._held: list[Hashable] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False
        self.lost = False
        """The server has ended the session; the client finds out when it next speaks."""
        self.began_at: float | None = None
        """When the transaction that is open began, in the loop's time."""

    # ---- asyncpg.Connection

    async def fetch(self, query: str, *args: Any) -> list[dict[str, Any]]:
        """Rows as mappings, by the names of their columns."""
        rows: list[dict[str, Any]] = await self._exchange(lambda: memory_tables.STATEMENTS[query](self, *args))
        return rows

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row."""
        rows = await self.fetch(query, *args)
        return next(iter(rows[0].values())) if rows else None

    async def execute(self, query: str, *args: Any) -> None:
        """A statement whose rows nobody wants."""
        await self.fetch(query, *args)

    async def copy_to_table(self, table: str, *, source: bytes, columns: Sequence[str], format: str) -> None:  # noqa: A002
        """Rows in binary COPY."""
        if format != "binary":
            raise NotImplementedError(format)
        await self._exchange(lambda: memory_tables.copy(self, table, columns, bytes(source)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction; within one, a savepoint."""
        self._check_open()
        self._begin()
        savepoint = len(self._undo)
        try:
            yield
        except BaseException:
            await self._exchange(lambda: self._roll_back(savepoint))
            raise
        await self._exchange(self._commit)
        await self._database.travel()  # what has taken place may not be heard of
        self._check()

    def is_closed(self) -> bool:
        """Whether the client knows that the connection has ended."""
        return self._closed

    def terminate(self) -> None:
        """Hang up."""
        self._closed = True
        self.end()

    async def close(self) -> None:
        """Hang up politely."""
        self.terminate()

    # ---- the session

    @property
    def tables(self) -> Tables:
        """All tables."""
        return self._database.tables

    def change(self, table: dict[Any, Any], key: Any, row: Any) -> None:
        """See ``memory_tables.Session``."""
        before = table.get(key)
        self._before.setdefault(id(table), {}).setdefault(key, before)
        table[key] = row
        if before is None:
            self._undo.append(lambda: table.pop(key, None))
        else:
            self._undo.append(lambda: table.__setitem__(key, before))

    def committed(self, table: dict[Any, Any], key: Any) -> Any:
        """See ``memory_tables.Session``."""
        owner = self._database.locks.get(key)
        if owner is None or owner is self:
            return table.get(key)
        return owner._before.get(id(table), {}).get(key, table.get(key))  # noqa: SLF001

    def end_stopped(self, application: str, after_s: float) -> list[int]:
        """See ``memory_tables.Session``."""
        now = asyncio.get_running_loop().time()
        ended = []
        for number, session in enumerate(list(self._database.sessions)):
            began_at = session.began_at
            is_other = session is not self and session._application == application  # noqa: SLF001
            if is_other and began_at is not None and now - began_at > after_s:
                session.end()
                ended.append(number)
        return ended

    async def lock(self, row: Hashable) -> None:
        """Lock a row until the transaction ends.  Raises ``LockNotAvailableError``."""
        locks = self._database.locks
        if locks.get(row) not in (None, self):
            try:
                async with asyncio.timeout(self._lock_timeout_s):
                    while (owner := locks.get(row)) is not None:
                        await owner.ended()
            except TimeoutError:
                raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from None
        if row not in locks:
            locks[row] = self
            self._held.append(row)

    async def ended(self) -> None:
        """Until the transaction that is open has ended."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def end(self) -> None:
        """The session is over; what was not committed is gone."""
        if not self.lost:
            self.lost = True
            self._roll_back_all()
            self._database.sessions.remove(self)

    async def _exchange(self, work: Callable[[], Any]) -> Any:
        """Have ``work`` done by the server.  Raises what asyncpg does when the connection ends meanwhile."""
        self._check_open()
        await self._database.travel()
        self._check()
        done = work()
        result = await done if asyncio.iscoroutine(done) else done
        self._check()
        return result

    def _check_open(self) -> None:
        if self._closed:
            raise asyncpg.InterfaceError("cannot perform operation: connection is closed")

    def _check(self) -> None:
        if self.lost:
            self._closed = True
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    # ---- transactions

    def _begin(self) -> None:
        if self._depth == 0:
            self.began_at = asyncio.get_running_loop().time()
        self._depth += 1

    def _commit(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._database.commit(self)

    def committed_all(self) -> None:
        """What this session has done lasts."""
        self._undo.clear()
        self._release()

    def _roll_back(self, savepoint: int) -> None:
        while len(self._undo) > savepoint:
            self._undo.pop()()
        self._depth -= 1
        if self._depth == 0:
            self._release()

    def _roll_back_all(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._depth = 0
        self._release()

    def _release(self) -> None:
        self.began_at = None
        self._before.clear()
        for row in self._held:
            del self._database.locks[row]
        self._held.clear()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
