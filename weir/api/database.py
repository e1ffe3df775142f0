"""The gateway's connection to the database, for one request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import Request

from weir.api.problems import unavailable
from weir.database import NoSchemaError, UnreachableError, connected


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[asyncpg.Connection]:
    """Raises ``ProblemError`` when the database is away."""
    try:
        async with connected(request.app.state.settings) as connection:
            yield connection
    except (UnreachableError, NoSchemaError) as error:
        raise unavailable("database_unreachable", str(error), "Try again.", 5) from error
