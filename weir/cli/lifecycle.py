"""``weir suspend | resume | retry | set``: what an operator does to an instance, or to what runs for a key."""

import asyncio
from typing import Annotated, Literal

import typer

from streams.core.commands import LifecycleCommand, Resume, Retry, SetVariables, Suspend
from weir.cli import options
from weir.cli.options import check_instance, check_target, parse_variables
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import Session, session_of
from weir.client import CommandClient
from weir.watch import Accepted

Id = Annotated[str, typer.Argument(metavar="ID", help="The instance.", show_default=False)]
Target = Annotated[str | None, typer.Argument(metavar="[ID]", help="The instance.", show_default=False)]
Reason = Annotated[str | None, typer.Option(help="Why, for the history.")]
Timers = Annotated[
    Literal["fire", "shift"] | None,
    typer.Option(
        help="Timers that came due meanwhile fire at once, or all timers shift; by default as the definition says."
    ),
]


def suspend(
    ctx: typer.Context,
    *,
    instance: Target = None,
    key: options.Key = None,
    definition: options.Definition = None,
    reason: Reason = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Let an instance stand still, or all that run for a key. What comes for it is held until `weir resume`."""
    target = check_target(instance, key)
    command = Suspend(instance_id=target, key=key, definition_id=definition, reason=reason)
    _tell("suspended", _send(session_of(ctx), command, timeout), as_json=json)


def resume(
    ctx: typer.Context,
    *,
    instance: Target = None,
    key: options.Key = None,
    definition: options.Definition = None,
    timers: Timers = None,
    reason: Reason = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Let a suspended instance go on, or all of a key; what was held comes first."""
    target = check_target(instance, key)
    command = Resume(instance_id=target, key=key, definition_id=definition, timers=timers, reason=reason)
    _tell("resumed", _send(session_of(ctx), command, timeout), as_json=json)


def retry(
    ctx: typer.Context,
    *,
    instance: Id,
    reason: Reason = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Let an instance go on at the activity where it failed, or where its incidents are."""
    command = Retry(instance_id=check_instance(instance, "ID"), reason=reason)
    outcome = _send(session_of(ctx), command, timeout)
    if all(event.type != "retry_queued" for event in outcome.events):
        _tell("retried", outcome, as_json=json)
    elif json:
        print_json({"queued": [command.instance_id]})
    else:
        out().print(f"queued {command.instance_id}: it goes on when one of the slots of its definition is free")


def set_(
    ctx: typer.Context,
    *,
    instance: Id,
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable; JSON or text.")
    ] = None,
    vars_: Annotated[str | None, typer.Option("--vars", metavar="JSON", help="Variables as a JSON object.")] = None,
    reason: Reason = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Set variables of an instance, a failed one included: correct it, then `weir retry`."""
    variables = parse_variables(var or [], vars_)
    if not variables:
        raise typer.BadParameter("Expected at least one variable", param_hint="--var")
    command = SetVariables(instance_id=check_instance(instance, "ID"), variables=variables, reason=reason)
    events = _send(session_of(ctx), command, timeout).events
    changed = [event.data["name"] for event in events if event.type == "variable_changed"]
    if json:
        print_json({"instance": command.instance_id, "set": changed})
    else:
        out().print(f"set {', '.join(changed)}", markup=False)


def _send(session: Session, command: LifecycleCommand, timeout_s: float) -> Accepted:
    async def send() -> Accepted:
        async with CommandClient(session.settings, session.topics) as client:
            return accepted(await client.send_and_wait(command, timeout_s))

    return asyncio.run(send())


def _tell(what: str, outcome: Accepted, *, as_json: bool) -> None:
    """``what`` is the event that says so."""
    instances = list(dict.fromkeys(event.subject for event in outcome.events if event.type == what))
    if as_json:
        print_json({what: instances})
    else:
        out().print(f"{what} {', '.join(instances)}", markup=False)
