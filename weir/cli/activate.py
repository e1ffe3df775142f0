"""``weir activate``, ``weir deactivate``: which version of a definition starts instances?"""

import asyncio
from typing import Annotated, Any

import typer

from streams.core.commands import ActivateDefinition, DeactivateDefinition, DefinitionCommand
from streams.core.events import Event
from weir.cli import options
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import Session, session_of
from weir.client import CommandClient
from weir.repository.named import parse_name
from weir.repository.origin import origin_of

Which = Annotated[str, typer.Argument(metavar="ID[:VERSION]", help="The definition, or one version of it.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the history.")]


def activate(
    ctx: typer.Context,
    *,
    name: Which,
    reason: Reason = None,
    json: options.Json = False,
    timeout: options.Timeout = 30.0,
) -> None:
    """Let a definition start instances, by this version and no other: an earlier one to roll back.

    What runs goes on by its own version. A version that is deployed later is active at once.
    """
    which = parse_name(name)
    command = ActivateDefinition(definition_id=which.id, version=which.version, reason=reason, origin=origin_of())
    event = asyncio.run(_send(session_of(ctx), command, timeout))
    _tell(event, "activated", event.data["version"], json=json)


def deactivate(
    ctx: typer.Context,
    *,
    name: Which,
    reason: Reason = None,
    json: options.Json = False,
    timeout: options.Timeout = 30.0,
) -> None:
    """Let a definition, or one version of it, start nothing any more. What runs goes on.

    A deactivated definition stays so when new versions are deployed, until `weir activate`.
    """
    which = parse_name(name)
    command = DeactivateDefinition(definition_id=which.id, version=which.version, reason=reason, origin=origin_of())
    event = asyncio.run(_send(session_of(ctx), command, timeout))
    _tell(event, "deactivated", event.data["version"], json=json)


async def _send(session: Session, command: DefinitionCommand, timeout_s: float) -> Event:
    async with CommandClient(session.settings, session.topics) as client:
        return accepted(await client.send_and_wait(command, timeout_s)).events[0]


def _tell(event: Event, outcome: str, version: int | None, *, json: bool) -> None:
    result: dict[str, Any] = {"id": event.definition_id, "version": version, "outcome": outcome, "time": event.time}
    if json:
        print_json(result)
    else:
        what = event.definition_id if version is None else f"{event.definition_id}:{version}"
        out().print(f"{what}  {outcome}", markup=False)
