"""``weir api-keys create``: a new key, told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from projections.queries.api_keys import ApiKey
from weir.api.auth.scopes import ROLES, SCOPES
from weir.cli import options
from weir.cli.output import err, moment, out, print_json
from weir.cli.session import session_of
from weir.database import connected
from weir.keys import table
from weir.keys.text import NewKey

BY = "weir api-keys"


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    role: Annotated[list[str] | None, typer.Option(help=f"{', '.join(ROLES)}. May be repeated.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}. May be repeated.")] = None,
    user: Annotated[str | None, typer.Option(help="As whom it does tasks; under its name by default.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group of that user. May be repeated.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Expires after so many days.")] = None,
    json: options.Json = False,
) -> None:
    """Make an API key. It is shown once: the database keeps only a hash of it."""
    session = session_of(ctx)
    roles, scopes = role or [], scope or []
    for given, known, option in ((roles, ROLES, "--role"), (scopes, SCOPES, "--scope")):
        for one in given:
            if one not in known:
                message = f"Expected one of {', '.join(known)}, but got {one!r}"
                raise typer.BadParameter(message, param_hint=option)
    if not roles and not scopes:
        raise typer.BadParameter("Expected --role or --scope: the key would open nothing", param_hint="--role")
    if not name:
        raise typer.BadParameter("Expected a name, but it is empty", param_hint="NAME")
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)

    async def make() -> tuple[ApiKey, NewKey]:
        async with connected(session.settings) as connection:
            return await table.create(
                connection,
                name=name,
                by=BY,
                user=user or None,
                roles=roles,
                scopes=scopes,
                groups=group or (),
                expires_at=expires_at,
            )

    kept, made = asyncio.run(make())
    if json:
        print_json({"key": made.text, "api_key": msgspec.to_builtins(kept)})
        return
    until = "" if kept.expires_at is None else f"; it expires at {moment(kept.expires_at)}"
    out().print(made.text, markup=False, soft_wrap=True)
    err().print(f"The key of {name}, shown this once{until}", markup=False, soft_wrap=True)
