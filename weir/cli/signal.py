"""``weir signal NAME``: a message for an instance, or for whatever runs for a key."""

import asyncio
from typing import Annotated

import typer

from streams.core.commands import Signal
from weir.cli import options
from weir.cli.options import check_target, parse_object
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.client import CommandClient
from weir.watch import Accepted


def signal(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The message's name.", show_default=False)],
    instance: options.Instance = None,
    key: options.Key = None,
    definition: options.Definition = None,
    payload: Annotated[str, typer.Option(metavar="JSON", help="What the message says: a JSON object.")] = "{}",
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Send a message to an instance, or to what runs for a key.

    It waits with the instance until an activity of type `message` takes it; when nothing runs for the key yet, it waits
    with the key for an hour.
    """
    session = session_of(ctx)
    command = Signal(
        name=name,
        instance_id=check_target(instance, key),
        key=key,
        definition_id=definition,
        payload=parse_object(payload, "--payload"),
    )

    async def send() -> Accepted:
        async with CommandClient(session.settings, session.topics) as client:
            return accepted(await client.send_and_wait(command, timeout))

    outcome = asyncio.run(send())
    reached = list(dict.fromkeys(event.subject for event in outcome.events if event.type == "signal_received"))
    if json:
        print_json({"outcome": "delivered" if reached else "waiting", "instances": reached, "key": key})
    elif reached:
        out().print(f"delivered to {', '.join(reached)}", markup=False)
    else:
        out().print(f"nothing runs for key {key} yet: the signal waits with the key", markup=False)
