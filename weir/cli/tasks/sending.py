"""A command about a task: sent, waited for, and told."""

import asyncio

import typer

from streams.core.commands import AnyTaskCommand
from weir.cli.outcome import accepted
from weir.cli.output import out, print_json
from weir.cli.session import session_of
from weir.client import CommandClient
from weir.watch import Accepted

SAID = {
    "task_claimed": "claimed by {user}",
    "task_unclaimed": "nobody has it now",
    "task_assigned": "it is {assignee}'s now",
    "task_delegated": "{to} does it for {user}",
    "task_returned": "it is {to}'s again",
    "task_updated": "updated",
    "task_approved": "approved by {user}",
    "task_rejected": "rejected by {user}",
    "task_completed": "completed by {user}",
}
"""What each event says to a person."""


def send(ctx: typer.Context, command: AnyTaskCommand, timeout_s: float, *, json: bool) -> None:
    """Send the command and tell what happened.  Raises ``CliError`` when it was refused."""
    session = session_of(ctx)

    async def ask() -> Accepted:
        async with CommandClient(session.settings, session.topics) as client:
            return accepted(await client.send_and_wait(command, timeout_s))

    events = asyncio.run(ask()).events
    if json:
        print_json({"task": command.task_id, "events": [event.type for event in events]})
        return
    for event in events:
        if event.type in SAID:
            out().print(f"{command.task_id}: {SAID[event.type].format_map(event.data)}", markup=False, soft_wrap=True)
