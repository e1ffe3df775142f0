"""The projector's connections, and its patience.

A database that is away, starting, full, or that breaks a connection is waited for, loudly and as long as it takes:
nothing is skipped and nothing is lost, since positions move only with the rows.

Timeouts on the server end what a stopped projector left open: its transaction holds the lock on a position row, and its
successor waits for that row.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0
CONNECT_TIMEOUT_S = 10.0

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
    waited for half as long, so that the waiting is seen in the log.
    """

    def __init__(self, url: str, *, connections: int = 8, statement_timeout_s: float = 30.0) -> None:
        self._url = url
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[asyncpg.Connection] = []
        self._command_timeout_s = 2 * statement_timeout_s  # for a server that answers nothing at all any more
        milliseconds = round(statement_timeout_s * 1000)
        self._settings = {
            "application_name": "weir-projector",
            "statement_timeout": str(milliseconds),
            "idle_in_transaction_session_timeout": str(milliseconds),
            "lock_timeout": str(milliseconds // 2),
            "timezone": "UTC",
        }

    @property
    def place(self) -> str:
        """``host:port/name``, without the password, for messages."""
        parts = urlsplit(self._url)
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one batch; after an error that waiting may cure it is not used again."""
        async with self._slots:
            connection = await self._take()
            try:
                yield connection
            except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                # asyncpg's words for a connection that ended between two statements.
                if not connection.is_closed() and not isinstance(error, asyncpg.InternalClientError):
                    raise
                connection.terminate()
                raise ConnectionResetError(str(error)) from error
            except Exception as error:
                if is_transient(error):
                    connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)

    async def unbounded(self) -> asyncpg.Connection:
        """A connection of its own without timeouts, for migrations; the caller closes it."""
        settings = {"application_name": "weir-migrate"}
        return await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)

    async def patiently(self, what: str, operation: Callable[[], Awaitable[T]]) -> T:
        """Run ``operation``, again and again while the database is away.  Other errors are the caller's."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await operation()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.error(  # noqa: TRY400  a traceback tells nothing more
                    "database not available, waiting for it",
                    database=self.place,
                    what=what,
                    error=f"{type(error).__name__}: {error}",
                    again_in_s=wait_s,
                )
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

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


def is_transient(error: BaseException) -> bool:
    """Whether waiting can help."""
    return isinstance(error, _TRANSIENT)
