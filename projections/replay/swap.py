"""The exchange of the tables, in one transaction; and what becomes of the tables that were replaced.

What names the live tables goes on with the new ones: prepared statements (the server plans them again, since a table
they name has moved), views (made again from their text), grants and owners.  Indexes, triggers and TimescaleDB's
policies that people added to a projected table are not carried over.

Tables are moved between schemas, which touches no row and none of their chunks.
"""

from datetime import datetime

import asyncpg

from projections.errors import ReplayError
from projections.replay.shadow import PROJECTED, SCHEMA

REPLACED = "weir_replay_old"
"""The schema of the tables that a replay has replaced, until they are dropped."""
LOCK_TIMEOUT_S = 0.9
"""For how long the swap waits for readers, while it makes the projector wait: less than the server's deadlock_timeout,
so that a reader who waits for us wins."""
HOLD_LOCK_TIMEOUT_S = 5.0
SILENT_S = 20.0
"""After so long without a statement the server ends the transaction that holds the projector: its client is stopped."""

_DEPENDENTS = """
    SELECT view.oid::regclass::text AS name, 'the materialized view' AS kind
    FROM pg_depend AS dependency
    JOIN pg_rewrite AS rule ON dependency.classid = 'pg_rewrite'::regclass AND dependency.objid = rule.oid
    JOIN pg_class AS view ON view.oid = rule.ev_class
    WHERE dependency.refobjid = ANY ($1::text[]::regclass[]::oid[]) AND view.relkind = 'm'
    UNION
    SELECT conrelid::regclass::text, 'a foreign key of' FROM pg_constraint
    WHERE contype = 'f' AND confrelid = ANY ($1::text[]::regclass[]::oid[])
      AND conrelid <> ALL ($1::text[]::regclass[]::oid[])
"""
_VIEWS = """
    SELECT DISTINCT format('CREATE OR REPLACE VIEW %I.%I%s AS %s', namespace.nspname, view.relname,
                           ' WITH (' || array_to_string(view.reloptions, ', ') || ')', pg_get_viewdef(view.oid))
    FROM pg_depend AS dependency
    JOIN pg_rewrite AS rule ON dependency.classid = 'pg_rewrite'::regclass AND dependency.objid = rule.oid
    JOIN pg_class AS view ON view.oid = rule.ev_class
    JOIN pg_namespace AS namespace ON namespace.oid = view.relnamespace
    WHERE dependency.refobjid = ANY ($1::text[]::regclass[]::oid[]) AND view.relkind = 'v'
"""
_OWNERS = """
    SELECT format('ALTER TABLE %s OWNER TO %I', name, pg_get_userbyid(relowner))
    FROM unnest($1::text[]) AS name JOIN pg_class ON oid = name::regclass
    WHERE pg_get_userbyid(relowner) <> current_user
"""
_GRANTS = """
    SELECT format('GRANT %s ON %s TO %s%s', privilege_type, name,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM unnest($1::text[]) AS name JOIN pg_class ON oid = name::regclass, aclexplode(relacl)
    WHERE grantee <> relowner
"""
_OTHER_SCHEMA = f"""
    SELECT EXISTS (SELECT number, checksum FROM %s.schema_migrations
                   EXCEPT SELECT number, checksum FROM {SCHEMA}.schema_migrations)
"""  # noqa: S608  schemas' names, quoted
_OTHER_POSITIONS = f"""
    SELECT EXISTS (SELECT topic, partition, position FROM {{live}}.projection_positions
                   EXCEPT SELECT topic, partition, position FROM {SCHEMA}.projection_positions)
"""  # noqa: S608  schemas' names, quoted
_READERS = """
    SELECT DISTINCT format('%s (process %s) with: %s', application_name, pid, left(query, 80))
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = ANY ($1::text[]::regclass[]::oid[]) AND pid <> pg_backend_pid()
"""


def tables_of(schema: str) -> list[str]:
    """The projected tables of ``schema``, with its name."""
    return [f"{schema}.{table}" for table in PROJECTED]


async def check_dependents(connection: asyncpg.Connection, live: str) -> None:
    """Raises ``ReplayError`` when something cannot go on with other tables."""
    if found := await connection.fetch(_DEPENDENTS, tables_of(live)):
        names = ", ".join(f"{row['kind']} {row['name']}" for row in found)
        raise ReplayError(
            f"Expected nothing but views to depend on the projected tables, but there is {names}. Drop it, replay, and "
            "make it again"
        )


async def hold_projector(connection: asyncpg.Connection, live: str) -> None:
    """Let the projector's transactions end and make the next ones wait, until this transaction ends.

    Raises ``asyncpg.LockNotAvailableError``.
    """
    await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout TO {round(SILENT_S * 1000)}")
    await connection.execute(f"SET LOCAL lock_timeout TO {round(HOLD_LOCK_TIMEOUT_S * 1000)}")
    await connection.execute(f"LOCK TABLE {live}.projection_positions IN ACCESS EXCLUSIVE MODE")


async def swap(connection: asyncpg.Connection, live: str) -> datetime:
    """Put the shadow's tables in the place of the live ones; returns when.

    Called within the transaction that holds the projector, when both stand at the same positions.  Raises
    ``ReplayError``, and for a reader who does not come to an end ``asyncpg.LockNotAvailableError`` or
    ``asyncpg.DeadlockDetectedError``.
    """
    names = tables_of(live)
    await check_dependents(connection, live)
    if await connection.fetchval(_OTHER_SCHEMA % live):
        raise ReplayError("Expected the schema as it was at the beginning, but it was migrated meanwhile. Replay again")
    if await connection.fetchval(_OTHER_POSITIONS.format(live=live)):
        raise ReplayError("Expected the new tables at the positions of the live ones, but they are not. Replay again")
    await connection.execute(f"SET LOCAL lock_timeout TO {round(LOCK_TIMEOUT_S * 1000)}")
    await connection.execute(f"LOCK TABLE {', '.join(f'ONLY {name}' for name in names)} IN ACCESS EXCLUSIVE MODE")
    await connection.execute("SET LOCAL search_path TO ''")  # so that the text of views names tables with schemas
    afterwards = [row[0] for query in (_VIEWS, _OWNERS, _GRANTS) for row in await connection.fetch(query, names)]
    await connection.execute("SET LOCAL search_path TO DEFAULT")
    await connection.execute(f"CREATE SCHEMA {REPLACED}")
    for table in PROJECTED:
        await connection.execute(f"ALTER TABLE {live}.{table} SET SCHEMA {REPLACED}")
        await connection.execute(f"ALTER TABLE {SCHEMA}.{table} SET SCHEMA {live}")
    for statement in afterwards:
        await connection.execute(statement)
    await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return moment


async def readers(connection: asyncpg.Connection, live: str) -> list[str]:
    """Who reads the live tables at this moment, in words."""
    return [row[0] for row in await connection.fetch(_READERS, tables_of(live))]


async def rows_of(connection: asyncpg.Connection, schema: str) -> dict[str, int]:
    """Rows of each projected table of ``schema``."""
    return {
        table: await connection.fetchval(f"SELECT count(*) FROM {schema}.{table}")  # noqa: S608
        for table in PROJECTED
    }


async def drop_replaced(connection: asyncpg.Connection) -> None:
    """Drop the tables that a swap has replaced, if there are any.  Raises ``ReplayError``."""
    for table in PROJECTED:
        try:
            await connection.execute(f"DROP TABLE IF EXISTS {REPLACED}.{table}")
        except asyncpg.DependentObjectsStillExistError as error:
            raise ReplayError(
                f"Expected nothing to use {REPLACED}.{table}, which a replay has replaced, but got: {error.detail}. "
                "Drop that, and make it again on the table that is in use"
            ) from error
    await connection.execute(f"DROP SCHEMA IF EXISTS {REPLACED}")
