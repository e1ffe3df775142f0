"""The gateway's connections to the database: a few for all requests.

They are opened when they are needed and opened again when they were lost, so that a database that goes and comes back
needs nothing from here.  Whoever finds none free waits for one, but not many and not long: beyond that a request is
answered 503 with Retry-After, and asks nothing of a database that is too slow already.

A connection keeps the statements that it has prepared.  No request changes a connection's state, so nothing is reset
between two: that would be one more round trip each.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import asyncpg
from fastapi import Request

from streams.refusals import place_of
from streams.settings import Settings
from weir.api.problems import ProblemError, unavailable

MAX_WAITING = 200
"""Requests that may wait for a connection at the same time."""
WAIT_S = 5.0
CONNECT_S = 5.0
QUERY_S = 15.0
"""A question that takes longer is cancelled: lists that need a narrower filter."""
IDLE_S = 300.0
SERVER_SETTINGS = {"application_name": "weir-api", "timezone": "UTC", "jit": "off"}
"""``jit``: what the gateway asks is done before a query would be compiled."""

_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.exceptions.ClientConfigurationError,
)
"""What a database that is away, starting, stopping or full answers."""


class Database:
    """An async context manager: leaving it closes the connections."""

    def __init__(self, settings: Settings) -> None:
        self._place = f"the database at {place_of(settings.database_url)}"
        self._url, self._size = settings.database_url, settings.api_database_connections
        self._pool: asyncpg.Pool | None = None
        self._waiting = 0

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,  # opens none yet, so that the database may be away
            max_size=self._size,
            max_inactive_connection_lifetime=IDLE_S,
            timeout=CONNECT_S,
            command_timeout=QUERY_S,
            reset=_nothing,
            server_settings=SERVER_SETTINGS,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._pool is not None
        self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """One, for a request.  Raises ``ProblemError`` (503) when there is none, and for what its loss interrupts."""
        connection = await self._acquired()
        assert self._pool is not None
        try:
            yield connection
        except TimeoutError as error:
            raise unavailable(
                "database_slow",
                f"{self._place} has not answered within {QUERY_S:g} s",
                "Ask for less: a narrower filter, a shorter time.",
                5,
            ) from error
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
            raise unavailable(
                "database_unreachable",
                f"Expected Weir's tables in {self._place}, but got: {error}",
                "Run `weir migrate`.",
                5,
            ) from error
        except asyncpg.DataError as error:
            detail = f"Expected values that the database can hold, but got: {error}"
            raise ProblemError(422, "invalid_request", detail, "Correct the value.") from error
        except _LOST as error:
            raise self._away(error) from error
        finally:
            await self._pool.release(connection)

    async def _acquired(self) -> asyncpg.Connection:
        if self._pool is None:
            raise RuntimeError("Expected the database to be entered: async with Database(settings)")
        if self._waiting >= MAX_WAITING:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._pool.acquire()
        except TimeoutError as error:
            raise self._busy() from error
        except _LOST as error:
            raise self._away(error) from error
        finally:
            self._waiting -= 1

    def _away(self, error: Exception) -> Exception:
        detail = f"Expected {self._place}, but got: {type(error).__name__}: {error}"
        return unavailable("database_unreachable", detail, "Try again.", 5)

    def _busy(self) -> Exception:
        detail = f"All {self._size} connections to {self._place} are in use, and {self._waiting} requests wait"
        return unavailable("database_busy", detail, "Try again.", 1)


async def _nothing(_: asyncpg.Connection) -> None:
    """Between two requests."""


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[asyncpg.Connection]:
    """A connection for one request.  Raises ``ProblemError``."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        yield connection
