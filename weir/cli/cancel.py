"""``weir cancel ID``: end an instance, or what runs for a key."""

import asyncio
from typing import Annotated

import typer

from streams.core.commands import Cancel
from weir.cli import options
from weir.cli.options import check_target
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.client import CommandClient
from weir.watch import Accepted


def cancel(
    ctx: typer.Context,
    *,
    instance: Annotated[str | None, typer.Argument(metavar="[ID]", help="The instance.", show_default=False)] = None,
    key: options.Key = None,
    definition: options.Definition = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """End a running or failed instance, or all that run for a key."""
    session = session_of(ctx)
    command = Cancel(instance_id=check_target(instance, key), key=key, definition_id=definition, reason=reason)

    async def send() -> Accepted:
        async with CommandClient(session.settings, session.topics) as client:
            return accepted(await client.send_and_wait(command, timeout))

    cancelled = asyncio.run(send()).subjects
    if json:
        print_json({"cancelled": cancelled})
    else:
        out().print(f"cancelled {', '.join(cancelled)}", markup=False)
