"""The database, for whoever asks it one thing: a command, the demo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from projections.migrations.migrate import migrate
from streams.refusals import place_of, refusal
from streams.refused import RefusedError
from streams.settings import Settings

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0


class UnreachableError(Exception):
    """No database answers; the message names its place, without a password."""


class DatabaseRefusedError(UnreachableError, RefusedError):
    """It is there and does not let us in; the message names the setting."""


class NoSchemaError(Exception):
    """The database has none of Weir's tables, or not all."""


@asynccontextmanager
async def connected(
    settings: Settings, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S
) -> AsyncIterator[asyncpg.Connection]:
    """A connection.

    Raises ``UnreachableError``, or ``NoSchemaError`` when the body misses a table or a column.
    """
    place = f"the database at {place_of(settings.database_url)}"
    try:
        connection = await asyncpg.connect(
            settings.database_url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            server_settings={"application_name": "weir", "timezone": "UTC"},
        )
    except (OSError, asyncpg.PostgresError, asyncpg.exceptions.ClientConfigurationError) as error:
        if (refused := refusal(error, settings.database_url)) is not None:
            raise DatabaseRefusedError(refused) from None
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
