"""The database, for whoever asks it one thing: a command, the demo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from projections.migrations.migrate import migrate
from streams.settings import Settings

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0


class UnreachableError(Exception):
    """No database answers; the message names its place, without a password."""


class NoSchemaError(Exception):
    """The database has none of Weir's tables, or not all."""


@asynccontextmanager
async def connected(
    settings: Settings, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S
) -> AsyncIterator[asyncpg.Connection]:
    """A connection.  Raises ``UnreachableError``, or ``NoSchemaError`` when the body misses a table or a column."""
    parts = urlsplit(settings.database_url)
    place = f"the database at {parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    try:
        connection = await asyncpg.connect(
            settings.database_url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            server_settings={"application_name": "weir", "timezone": "UTC"},
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise UnreachableError(f"Expected {place}, but got: {type(error).__name__}: {error}") from error
    try:
        yield connection
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise NoSchemaError(f"Expected Weir's tables in {place}, but got: {error}") from error
    finally:
        await connection.close()


async def bring_up_to_date(settings: Settings) -> list[str]:
    """Run the missing migrations; returns their names.  Raises ``MigrationError``, ``UnreachableError``."""
    async with connected(settings, command_timeout_s=None) as connection:
        return await migrate(connection)
