"""The API keys of the gateway, without their secrets."""

from datetime import datetime

import asyncpg
import msgspec

COLUMNS = (
    "id, name, user_id, roles, scopes, groups, created_at, created_by, expires_at, revoked_at, revoked_by, last_used_at"
)


class ApiKey(msgspec.Struct, kw_only=True, omit_defaults=False):
    """``user_id``: as whom it acts, the key's own name by default.  Times are the wall's; used, to the minute."""

    id: str
    name: str
    user_id: str | None
    roles: list[str]
    scopes: list[str]
    groups: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None


async def api_keys(connection: asyncpg.Connection) -> list[ApiKey]:
    """All of them, the newest first, those that are revoked or expired too."""
    rows = await connection.fetch(f"SELECT {COLUMNS} FROM api_keys ORDER BY created_at DESC, id")  # noqa: S608
    return [ApiKey(**row) for row in rows]


async def api_key(connection: asyncpg.Connection, id_: str) -> tuple[ApiKey, bytes] | None:
    """One, and the SHA-256 of its secret."""
    row = await connection.fetchrow(f"SELECT {COLUMNS}, secret_hash FROM api_keys WHERE id = $1", id_)  # noqa: S608
    if row is None:
        return None
    found = dict(row)
    return ApiKey(**{name: value for name, value in found.items() if name != "secret_hash"}), found["secret_hash"]
