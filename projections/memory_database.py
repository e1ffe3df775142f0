"""A simulated PostgreSQL behind asyncpg's connection, as far as the projector and the station use it: for tests and
simulations.

Simulated: transactions with savepoints, READ COMMITTED, row locks with ``lock_timeout``, a session's own locks with
``idle_session_timeout``, unique keys, rows in binary COPY, LISTEN and NOTIFY, sessions that end in the middle of
anything (a commit too), ``pg_terminate_backend``.  The statements are those of the two roles, known by their text
(``memory_tables.STATEMENTS``): another one is an error.

``tests/projections/test_memory_database.py`` and ``tests/station`` hold it to the real database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from functools import partial
from typing import Any

import asyncpg

from projections import memory_tables
from projections.memory_session import Listener, MemorySession
from projections.memory_tables import Tables

Travel = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    await asyncio.sleep(0)


class MemoryDatabase:
    """The server.  ``travel`` is awaited where a message is on its way to or from it."""

    def __init__(self, travel: Travel = _at_once) -> None:
        self.tables = Tables()
        self.travel = travel
        self.sessions: list[MemorySession] = []
        self.locks: dict[Hashable, MemorySession] = {}
        self.advisory_locks: dict[int, MemorySession] = {}
        """Those that a session holds until it ends."""

    async def connect(self, *_: Any, server_settings: Mapping[str, str] | None = None, **__: Any) -> "MemoryConnection":
        """``asyncpg.connect``."""
        await self.travel()
        session = MemoryConnection(self, server_settings or {})
        self.sessions.append(session)
        return session

    def commit(self, session: MemorySession) -> None:
        """Make what a session has done last."""
        session.committed_all()

    def tell(self, channel: str) -> None:
        """Call whoever listens, in a while."""
        for session in self.sessions:
            if channel in session.listeners:
                listener, context = session.listeners[channel]
                self.bring(partial(listener, session, 0, channel, ""), context)

    def bring(self, message: Callable[[], None], context: Context) -> None:
        """Carry a message to a client whose context that is."""
        asyncio.get_running_loop().call_soon(message, context=context)


class MemoryConnection(MemorySession):
    """The client's end of a session: ``asyncpg.Connection``; one task uses it at a time."""

    def __init__(self, database: MemoryDatabase, settings: Mapping[str, str]) -> None:
        super().__init__(database, settings)
        self._closed = False

    async def fetch(self, query: str, *args: Any) -> list[dict[str, Any]]:
        """Rows as mappings, by the names of their columns."""
        rows: list[dict[str, Any]] = await self._state(lambda: memory_tables.STATEMENTS[query](self, *args))
        return rows

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row."""
        rows = await self.fetch(query, *args)
        return next(iter(rows[0].values())) if rows else None

    async def execute(self, query: str, *args: Any) -> None:
        """A statement whose rows nobody wants."""
        await self.fetch(query, *args)

    async def executemany(self, query: str, args: Iterable[Sequence[Any]]) -> None:
        """All or nothing."""

        async def each() -> None:
            for one in args:
                done = memory_tables.STATEMENTS[query](self, *one)
                if isinstance(done, Awaitable):
                    await done

        await self._state(each)

    async def copy_to_table(self, table: str, *, source: bytes, columns: Sequence[str], format: str) -> None:  # noqa: A002
        """Rows in binary COPY."""
        if format != "binary":
            raise NotImplementedError(format)
        await self._state(lambda: memory_tables.copy(self, table, columns, bytes(source)))

    async def add_listener(self, channel: str, listener: Listener) -> None:
        """LISTEN."""
        await self._exchange(lambda: self.listen(channel, listener))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction; within one, a savepoint."""
        self._check_open()
        savepoint = self.begin()
        try:
            yield
        except BaseException:
            await self._exchange(lambda: self.roll_back(savepoint))
            raise
        await self._exchange(self.commit)
        await self._database.travel()  # what has taken place may not be heard of
        self.check()

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

    async def _state(self, statement: Callable[[], Any]) -> Any:
        return await self._exchange(statement if self._depth else lambda: self.alone(statement))

    async def _exchange(self, work: Callable[[], Any]) -> Any:
        """Have ``work`` done by the server.  Raises what asyncpg does when the connection ends meanwhile."""
        self._check_open()
        await self._database.travel()
        self.check()
        self.idle_since = None
        try:
            done = work()
            result = await done if asyncio.iscoroutine(done) else done
        finally:
            self.idle_since = None if self._depth else asyncio.get_running_loop().time()
        self.check()
        return result

    def check(self) -> None:
        """The same, and the client knows of it."""
        self._closed |= self.lost
        super().check()

    def _check_open(self) -> None:
        if self._closed:
            raise asyncpg.InterfaceError("cannot perform operation: connection is closed")
