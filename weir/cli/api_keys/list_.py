"""``weir api-keys list``: which keys are there?"""

import asyncio
from datetime import UTC, datetime

import msgspec
import typer

from projections.queries.api_keys import ApiKey, api_keys
from weir.cli import options
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

COLUMNS = ("id", "name", "user", "may", "state", "created", "expires", "used")


def list_(ctx: typer.Context, *, json: options.Json = False) -> None:
    """List the API keys, the newest first. Times are the wall's, UTC."""
    session = session_of(ctx)

    async def ask() -> list[ApiKey]:
        async with connected(session.settings) as connection:
            return await api_keys(connection)

    found = asyncio.run(ask())
    if json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    rows = [
        (
            one.id,
            one.name,
            one.user_id,
            ", ".join([*one.roles, *one.scopes]),
            _state(one),
            one.created_at,
            one.expires_at,
            one.last_used_at,
        )
        for one in found
    ]
    print_table(COLUMNS, rows, "no API keys")


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= datetime.now(UTC) else "valid"
