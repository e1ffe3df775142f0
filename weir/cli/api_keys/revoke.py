"""``weir api-keys revoke``: a key that opens nothing any more."""

import asyncio
from typing import Annotated

import msgspec
import typer

from projections.queries.api_keys import ApiKey
from weir.cli import options
from weir.cli.api_keys.create import BY
from weir.cli.errors import CliError
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.database import connected
from weir.keys import table


def revoke(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id: what stands behind `weir_`.")],
    *,
    json: options.Json = False,
) -> None:
    """Revoke an API key. The gateway knows it within ten seconds."""
    session = session_of(ctx)

    async def do() -> ApiKey | None:
        async with connected(session.settings) as connection:
            return await table.revoke(connection, key_id, by=BY)

    found = asyncio.run(do())
    if found is None:
        raise CliError(f"There is no API key {key_id}", "`weir api-keys list` shows them.", reason="unknown_api_key")
    if json:
        print_json(msgspec.to_builtins(found))
    else:
        out().print(f"{found.id}: {found.name} is revoked", markup=False)
