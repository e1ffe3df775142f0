"""``weir start DEFINITION``: start an instance."""

import asyncio
import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from streams.core.commands import StartProcess
from weir.cli import options
from weir.cli.errors import CliError, ExitCode
from weir.cli.options import check_instance, parse_variables
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.client import CommandClient


class Wait(StrEnum):
    """Until when the command stays."""

    ACCEPTED = "accepted"
    COMPLETED = "completed"


def start(
    ctx: typer.Context,
    *,
    definition: Annotated[str, typer.Argument(help="The definition's id.", show_default=False)],
    key: options.Key = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", "-v", metavar="NAME=VALUE", help="A variable; JSON, else text.")
    ] = None,
    variables: Annotated[str | None, typer.Option("--vars", metavar="JSON", help="Variables as a JSON object.")] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The definition's version; the active one by default.")
    ] = None,
    instance_id: Annotated[
        str | None,
        typer.Option("--id", metavar="UUID", help="Your own instance id: a second start with it is refused."),
    ] = None,
    wait: Annotated[Wait, typer.Option(help="Stay until the start is accepted, or until the instance has ended.")] = (
        Wait.ACCEPTED
    ),
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Start an instance of a process and tell its id.

    With `--wait completed` the exit code is 1 when the instance fails or is cancelled.
    """
    session = session_of(ctx)
    command = StartProcess(
        definition_id=definition,
        definition_version=version,
        key=key,
        instance_id=None if instance_id is None else check_instance(instance_id, "--id"),
        variables=parse_variables(var or [], variables),
        trigger={"type": "cli"},
    )

    async def send() -> dict[str, Any]:
        async with CommandClient(session.settings, session.topics) as client, client.watch(command) as watch:
            deadline = time.monotonic() + timeout
            outcome = accepted(await watch.outcome(timeout))
            started = next(event for event in outcome.events if event.type == "started")  # a restart cancels before
            result = {
                "instance_id": started.subject,
                "definition_id": started.definition_id,
                "definition_version": started.definition_version,
                "key": key,
                "status": "running",
            }
            if wait is Wait.COMPLETED:
                end = await watch.ended(started.subject, deadline - time.monotonic())
                result |= {
                    "status": end.event.type,
                    "variables": end.variables,
                    "error": end.event.data.get("error") or end.event.data.get("reason"),
                }
            return result

    result = asyncio.run(send())
    if json:
        print_json(result)
    else:
        out().print(f"{result['instance_id']}  {result['status']}", markup=False)
    if result["status"] in {"failed", "timeout", "cancelled"}:
        if not json:
            message = f"Instance {result['instance_id']} is {result['status']}: {result['error']}"
            raise CliError(message, f"`weir history {result['instance_id']}` shows every step.")
        raise typer.Exit(ExitCode.FAILED)
