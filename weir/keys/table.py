"""Making and revoking API keys: for the gateway's routes and for the command line."""

from collections.abc import Collection
from datetime import datetime

import asyncpg

from projections.queries.api_keys import COLUMNS, ApiKey
from weir.keys.text import NewKey, new_key


async def create(
    connection: asyncpg.Connection,
    *,
    name: str,
    by: str,
    user: str | None = None,
    roles: Collection[str] = (),
    scopes: Collection[str] = (),
    groups: Collection[str] = (),
    expires_at: datetime | None = None,
    id_: str | None = None,
) -> tuple[ApiKey, NewKey]:
    """A new key: what is kept, and the key itself, which is told once.

    Raises ``UniqueViolationError`` when there is one of the id that was asked for.
    """
    made = new_key(id_)
    row = await connection.fetchrow(
        "INSERT INTO api_keys (id, name, user_id, secret_hash, roles, scopes, groups, created_by, expires_at) "  # noqa: S608
        f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {COLUMNS}",
        made.id,
        name,
        user,
        made.secret_hash,
        sorted(roles),
        sorted(scopes),
        sorted(groups),
        by,
        expires_at,
    )
    return ApiKey(**row), made


async def revoke(connection: asyncpg.Connection, id_: str, *, by: str) -> ApiKey | None:
    """The key, which opens nothing any more; revoked again it stays as it was.  ``None``: there is none."""
    row = await connection.fetchrow(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2) "  # noqa: S608
        f"WHERE id = $1 RETURNING {COLUMNS}",
        id_,
        by,
    )
    return None if row is None else ApiKey(**row)


async def used(connection: asyncpg.Connection, id_: str) -> None:
    """It has just been used; kept to the minute."""
    await connection.execute(
        "UPDATE api_keys SET last_used_at = now() "
        "WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        id_,
    )
