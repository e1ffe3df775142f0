"""``weir publish NAME --correlation KEY``: a message for whoever waits for it, or for processes that start on it."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from streams.core.commands import PublishMessage
from streams.core.durations import parse_duration_ms
from weir.cli import options
from weir.cli.options import parse_object
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.client import CommandClient
from weir.watch import Accepted

WORDS = {
    "message_correlated": ("delivered", "delivered to {instance_id}"),
    "message_started": ("started", "started {definitions}"),
    "message_buffered": ("waiting", "nobody waits for it yet: it is kept until {expires}"),
}
NAMED = ("instance_id", "definitions", "expires")


def publish(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The message's name.", show_default=False)],
    correlation: Annotated[
        str, typer.Option("--correlation", "-c", help="The key under which it is awaited.", show_default=False)
    ],
    payload: Annotated[str, typer.Option(metavar="JSON", help="What the message says: a JSON object.")] = "{}",
    ttl: Annotated[
        str | None, typer.Option(help="How long it is kept when nobody waits, such as 10m; 0s: not.")
    ] = None,
    message_id: Annotated[
        str | None, typer.Option("--id", help="A second message of this id counts for nothing.")
    ] = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Publish a message: for the instance that waits for it under its key, else for the processes that it starts.

    Where there is neither it is kept, by default for an hour.
    """
    session = session_of(ctx)
    command = PublishMessage(
        name=name,
        correlation_key=correlation,
        payload=parse_object(payload, "--payload"),
        ttl_ms=None if ttl is None else _ttl_ms(ttl),
        message_id=message_id,
    )

    async def send() -> Accepted:
        async with CommandClient(session.settings, session.topics) as client:
            return accepted(await client.send_and_wait(command, timeout))

    event = next(one for one in asyncio.run(send()).events if one.type in WORDS)
    if json:
        told = {name: event.data[name] for name in NAMED if name in event.data}
        print_json({"outcome": WORDS[event.type][0], **told})
    else:
        out().print(words(event.type, event.data), markup=False)


def words(type_: str, data: Mapping[str, Any]) -> str:
    """What has become of the message, by the event that tells it."""
    lists = {name: ", ".join(value) for name, value in data.items() if isinstance(value, list)}
    return WORDS[type_][1].format(**{**data, **lists})


def _ttl_ms(text: str) -> int:
    if text in {"0", "0s"}:
        return 0
    try:
        return parse_duration_ms(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--ttl") from None
