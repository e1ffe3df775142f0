"""``weir api-keys revoke``: a key that opens nothing any more."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from projections.queries.api_keys import ApiKey, api_keys
from weir.cli import options
from weir.cli.api_keys.create import BY
from weir.cli.errors import CliError
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.database import connected
from weir.keys import table


def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Its id, which stands behind `weir_`; or its name.")],
    *,
    json: options.Json = False,
) -> None:
    """Revoke an API key. The gateway knows it within ten seconds."""
    session = session_of(ctx)

    async def do() -> ApiKey | None:
        async with connected(session.settings) as connection:
            return await table.revoke(connection, _id_of(key, await api_keys(connection)), by=BY)

    found = asyncio.run(do())
    if found is None:
        raise CliError(f"There is no API key {key}", "`weir api-keys list` shows them.", reason="unknown_api_key")
    if json:
        print_json(msgspec.to_builtins(found))
    else:
        out().print(f"{found.id}: {found.name} is revoked", markup=False)


def _id_of(key: str, known: Sequence[ApiKey]) -> str:
    """Of ``key``, which may be an id, or the name of the one key that is not revoked yet; else ``key`` itself."""
    if key in {one.id for one in known}:
        return key
    named = sorted(one.id for one in known if one.name == key and one.revoked_at is None)
    if len(named) > 1:
        message = f"Expected one valid key of the name {key}, but there are {len(named)}: {', '.join(named)}"
        raise CliError(message, "Name it by its id: `weir api-keys list` tells more.", reason="ambiguous_api_key")
    return named[0] if named else key
