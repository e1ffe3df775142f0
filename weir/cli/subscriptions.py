"""``weir subscriptions EVENT``: who waits for it?"""

import asyncio
from typing import Annotated

import msgspec
import typer

from projections.queries import WaitingInstance, WaitingTrigger, waiting_instances, waiting_triggers
from weir.cli import options
from weir.cli.output import out, print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

Event = Annotated[
    str,
    typer.Argument(
        metavar="EVENT", help="A message's name, an event of the station or a topic of readings.", show_default=False
    ),
]
TRIGGERS = ("starts", "trigger", "conditions")
INSTANCES = ("instance", "definition", "at", "status", "key", "correlation", "since")


def subscriptions(
    ctx: typer.Context,
    event: Event,
    *,
    key: Annotated[
        str | None, typer.Option("--key", "-k", help="Only instances that a message under this key would reach.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many instances.")] = 50,
    json: options.Json = False,
) -> None:
    """List who waits for an event: processes that it may start, and instances. Times are plant time, UTC."""
    session = session_of(ctx)

    async def ask() -> tuple[list[WaitingTrigger], list[WaitingInstance]]:
        async with connected(session.settings) as connection:
            triggers = await waiting_triggers(connection, event)
            return triggers, await waiting_instances(connection, event, key, limit=limit)

    triggers, instances = asyncio.run(ask())
    if json:
        print_json(msgspec.to_builtins({"definitions": triggers, "instances": instances}))
        return
    starts = [(f"{one.definition_id} v{one.version}", one.trigger_type, one.conditions) for one in triggers]
    print_table(TRIGGERS, starts, "it starts nothing")
    out().print()
    rows = [
        (
            one.instance_id,
            f"{one.definition_id} v{one.definition_version}",
            one.activity_id,
            one.status,
            one.business_key,
            one.correlation,
            one.since,
        )
        for one in instances
    ]
    print_table(INSTANCES, rows, "no instance waits for it")
