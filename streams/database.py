"""Connections to the database, and the patience of the roles that live by it: the projector, and whoever writes there
what a topic says.

A database that is away, starting, full, or that breaks a connection is waited for, loudly and as long as it takes:
nothing is skipped and nothing is lost, since positions move only with the rows.

A projector that was stopped in the middle of a transaction (a suspended machine, SIGSTOP) holds the lock on a position
row, and its successor waits for that row.  Timeouts on the server end such a transaction, except within COPY, where the
server waits for data as long as the connection stands: that one the successor ends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import TypeVar

import asyncpg
import structlog

from streams.refusals import place_of, refusal
from streams.refused import RefusedError

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0
CONNECT_TIMEOUT_S = 10.0
APPLICATION = "weir-projector"

# Materialized, so that nothing is ended that the conditions were not asked about first.
_END_STOPPED = """
    WITH stopped AS MATERIALIZED (
        SELECT pid FROM pg_stat_activity
        WHERE application_name = $1 AND datname = current_database() AND usename = current_user
          AND pid <> pg_backend_pid() AND xact_start < now() - make_interval(secs => $2)
    )
    SELECT pid FROM stopped WHERE pg_terminate_backend(pid)
"""

_TRANSIENT = (
    OSError,  # refused, reset, unknown host; TimeoutError is one
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,  # starting up or shutting down
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.QueryCanceledError,  # statement_timeout
    asyncpg.LockNotAvailableError,  # lock_timeout
    asyncpg.TransactionRollbackError,  # deadlock, serialization
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until the failover is done
)


class Database:
    """At most ``connections`` connections to ``url``, opened when they are first needed.

    ``statement_timeout_s`` bounds a statement, and so for how long a stopped projector can hold a position.  A lock is
    waited for half as long, so that the waiting is seen in the log.  ``application`` is what the server calls them, and
    ``server_settings`` are further parameters of theirs.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 8,
        statement_timeout_s: float = 30.0,
        application: str = APPLICATION,
        server_settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._url, self._application = url, application
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[asyncpg.Connection] = []
        self.trouble: str | None = None
        """What is being waited for, and why; ``None`` when the database was there at the last attempt."""
        self._statement_timeout_s = statement_timeout_s
        self._command_timeout_s = 2 * statement_timeout_s  # for a server that answers nothing at all any more
        milliseconds = round(statement_timeout_s * 1000)
        self._settings = {
            "application_name": application,
            "statement_timeout": str(milliseconds),
            "idle_in_transaction_session_timeout": str(milliseconds),
            "lock_timeout": str(milliseconds // 2),
            "timezone": "UTC",
            **server_settings,
        }

    @property
    def place(self) -> str:
        """``host:port/name``, without the password, for messages."""
        return place_of(self._url)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one batch.  After an error, whichever, it is not used again."""
        async with self._slots:
            connection = await self._take()
            try:
                with _ends_told(connection):
                    yield connection
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)

    @asynccontextmanager
    async def unbounded(self, application: str = "weir-migrate") -> AsyncIterator[asyncpg.Connection]:
        """A connection of its own without timeouts, for what may take long."""
        settings = {"application_name": application}
        connection = await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
        try:
            with _ends_told(connection):
                yield connection
        finally:
            await connection.close()

    async def patiently(self, what: str, operation: Callable[[], Awaitable[T]]) -> T:
        """Run ``operation``, again and again while the database is away.  Other errors are the caller's.

        Raises ``RefusedError`` when it is there and does not let us in.
        """
        wait_s, locked_out = FIRST_WAIT_S, False
        while True:
            try:
                if locked_out:
                    await self._end_stopped()
                result = await operation()
            except Exception as error:
                if (refused := refusal(error, self._url)) is not None:
                    raise RefusedError(refused) from None
                if not is_transient(error):
                    raise
                self.trouble = f"the database {self.place} is not available: {type(error).__name__}: {error}"
                locked_out = isinstance(error, asyncpg.LockNotAvailableError)
                log.error(  # noqa: TRY400  a traceback tells nothing more
                    "database not available, waiting for it",
                    database=self.place,
                    what=what,
                    error=f"{type(error).__name__}: {error}",
                    again_in_s=wait_s,
                )
            else:
                self.trouble = None
                return result
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _end_stopped(self) -> None:
        """End transactions of projectors that are open for longer than a statement may take."""
        async with self.connection() as connection:
            ended = await connection.fetch(_END_STOPPED, self._application, self._statement_timeout_s)
        if ended:
            log.warning("ended transactions of stopped projectors", server_processes=[row["pid"] for row in ended])

    def close(self) -> None:
        """Drop the idle connections."""
        while self._idle:
            self._idle.pop().terminate()

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(
            self._url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=self._command_timeout_s,
            server_settings=self._settings,
        )


@contextmanager
def _ends_told(connection: asyncpg.Connection) -> Iterator[None]:
    """Raises ``ConnectionResetError`` for asyncpg's other words for a connection that ended: between two statements, or
    while it was rolling back what had failed for that very reason.  They are also its words for a mistake of ours.
    """
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if connection.is_closed() or any(_tells_of_an_end(one) for one in (error, error.__context__)):
            raise ConnectionResetError(str(error)) from error
        raise


def _tells_of_an_end(error: BaseException | None) -> bool:
    return isinstance(error, asyncpg.InternalClientError) or (error is not None and is_transient(error))


def is_transient(error: BaseException) -> bool:
    """Whether waiting can help."""
    return isinstance(error, _TRANSIENT)
