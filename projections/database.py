"""The projector's connections, and its patience.

A database that is away, starting, full, or that breaks a connection is waited for, loudly and as long as it takes:
nothing is skipped and nothing is lost, since positions move only with the rows.

Timeouts on the server end what a stopped projector left open: its transaction holds the lock on a position row, and its
successor waits for that row.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 10.0

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
    """A pool of connections to ``url``.

    ``statement_timeout_s`` bounds a statement and, through it, how long a stopped projector can hold a position; a lock
    is waited for half as long, so that waiting is seen in the log.
    """

    def __init__(self, url: str, *, connections: int = 8, statement_timeout_s: float = 30.0) -> None:
        self._url, self._connections, self._statement_timeout_s = url, connections, statement_timeout_s
        self._pool: asyncpg.Pool | None = None

    @property
    def place(self) -> str:
        """``host:port/name``, without the password, for messages."""
        parts = urlsplit(self._url)
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    async def open(self) -> None:
        """Make the pool; connections are opened when they are first needed, so this waits for nobody."""
        milliseconds = str(round(self._statement_timeout_s * 1000))
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._connections,
            timeout=10,
            command_timeout=2 * self._statement_timeout_s,  # for a server that answers nothing at all any more
            reset=_keep,
            server_settings={
                "application_name": "weir-projector",
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "lock_timeout": str(round(self._statement_timeout_s * 500)),
                "timezone": "UTC",
            },
        )

    def connection(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A connection of the pool, for one batch."""
        if self._pool is None:
            raise RuntimeError("Expected Database.open() before Database.connection()")
        acquired: AbstractAsyncContextManager[asyncpg.Connection] = self._pool.acquire()
        return acquired

    async def unbounded(self) -> asyncpg.Connection:
        """A connection of its own without timeouts, for migrations; the caller closes it."""
        return await asyncpg.connect(self._url, timeout=10, server_settings={"application_name": "weir-migrate"})

    async def patiently(self, what: str, operation: Callable[[], Awaitable[T]]) -> T:
        """Run ``operation``, again and again while the database is away.  Other errors are the caller's."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await operation()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.error(  # noqa: TRY400  the text says all there is
                    "database not available, waiting for it",
                    database=self.place,
                    what=what,
                    error=f"{type(error).__name__}: {error}",
                    again_in_s=wait_s,
                )
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def close(self) -> None:
        """Drop the connections; what they had not committed is rolled back."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None


def is_transient(error: BaseException) -> bool:
    """Whether waiting can help."""
    if isinstance(error, asyncpg.InterfaceError):
        return "clos" in str(error)  # "connection is closed", "… was closed in the middle of operation"
    return isinstance(error, _TRANSIENT)


async def _keep(_connection: asyncpg.Connection) -> None:
    """Nothing to reset: a projector leaves no state in a session, and a round trip a batch would be wasted."""
