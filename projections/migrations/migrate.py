"""Bring a database to the newest schema.

Under an advisory lock, since several projectors start at once: compare ``schema_migrations`` with the files, refuse a
database that is newer than the program or that was made by a file since edited, then run each missing file in its own
transaction together with its row.  A failing file leaves everything before it applied and itself undone.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from projections.errors import MigrationError

log = structlog.get_logger(__name__)

DIRECTORY = Path(__file__).parent
_LOCK = 0x5745_4952_0001  # any number that no other program uses: "WEIR", 1
_CAN_COUNT = """
    SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max')
       AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements' AND installed_version IS NULL)
       AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
"""
_FILE = re.compile(r"(\d{3})_(\w+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One SQL file; ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str
    checksum: str

    @property
    def title(self) -> str:
        """``NNN_name``."""
        return f"{self.number:03}_{self.name}"


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """The files ``NNN_name.sql`` in order.  Raises ``MigrationError`` unless they count 1, 2, 3 …"""
    found: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise MigrationError(f"Expected {len(found) + 1:03}_<name>.sql next, but got {path}: rename it")
        sql = path.read_text(encoding="utf-8")
        found.append(Migration(int(match[1]), match[2], sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def pending(connection: asyncpg.Connection, directory: Path = DIRECTORY) -> list[str]:
    """The names of what ``migrate`` would apply, ``NNN_name``; all of them for an empty database.

    Raises ``MigrationError`` as ``migrate`` does.
    """
    migrations = load(directory)
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return [migration.title for migration in migrations]
    applied = await connection.fetch("SELECT * FROM schema_migrations ORDER BY number")
    return [migration.title for migration in _missing(migrations, applied)]


async def migrate(connection: asyncpg.Connection, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is missing; returns the names applied, ``NNN_name``.  Raises ``MigrationError``."""
    migrations = load(directory)
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await _need_timescaledb(connection)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            " number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        missing = _missing(migrations, await connection.fetch("SELECT * FROM schema_migrations ORDER BY number"))
        for migration in missing:
            await _apply(connection, migration)
        await _count_statements(connection)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [migration.title for migration in missing]


def _missing(migrations: list[Migration], applied: list[asyncpg.Record]) -> list[Migration]:
    if len(applied) > len(migrations):
        newest = applied[-1]
        raise MigrationError(
            f"Expected a database with at most {len(migrations)} migrations, but it has {newest['number']} "
            f"('{newest['name']}'): it was made by a newer Weir. Upgrade this one"
        )
    for migration, row in zip(migrations, applied, strict=False):
        if (row["number"], row["checksum"]) != (migration.number, migration.checksum):
            raise MigrationError(
                f"Expected migration {row['number']} as it was applied on {row['applied_at']:%Y-%m-%d}, {row['name']} "
                f"with SHA-256 {row['checksum'][:12]}…, but {migration.number:03}_{migration.name}.sql has "
                f"{migration.checksum[:12]}…: an applied migration is never edited. Restore the file and add a new one"
            )
    return migrations[len(applied) :]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError) as error:
        raise MigrationError(f"Migration {migration.number:03}_{migration.name}.sql failed: {error}") from error
    log.info("migrated", migration=migration.name, number=migration.number)


async def _need_timescaledb(connection: asyncpg.Connection) -> None:
    database = await connection.fetchval("SELECT current_database()")
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except asyncpg.InsufficientPrivilegeError:
        raise MigrationError(
            f"Expected the extension timescaledb in database {database!r}, but it is not there and this user may not "
            "create it: let a superuser run CREATE EXTENSION timescaledb"
        ) from None
    except asyncpg.PostgresError as error:
        if isinstance(error, asyncpg.PostgresConnectionError) and "must be preloaded" not in str(error):
            raise  # the connection broke by itself
        raise MigrationError(
            f"Expected the extension timescaledb for database {database!r}, but the server refused it: {error}. "
            "Install TimescaleDB 2.13 or newer for this PostgreSQL and add it to shared_preload_libraries"
        ) from error


async def _count_statements(connection: asyncpg.Connection) -> None:
    """Where the server counts statements and we may, make what tells of them: nothing of ours needs it."""
    if await connection.fetchval(_CAN_COUNT):
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
