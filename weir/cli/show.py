"""``weir show ID``: the state of one instance."""

import asyncio
from typing import Annotated

import msgspec
import orjson
import typer
from rich.table import Table

from projections.queries import Instance
from projections.queries import instance as query
from weir.cli import options
from weir.cli.errors import CliError
from weir.cli.options import check_instance
from weir.cli.output import cell, out, print_json
from weir.cli.session import session_of
from weir.database import connected

InstanceId = Annotated[str, typer.Argument(metavar="ID", help="The instance.", show_default=False)]


def show(ctx: typer.Context, instance: InstanceId, *, json: options.Json = False) -> None:
    """Show the state of an instance: where it stands, and its variables."""
    session, known = session_of(ctx), check_instance(instance, "ID")

    async def ask() -> Instance | None:
        async with connected(session.settings) as connection:
            return await query(connection, known)

    found = asyncio.run(ask())
    if found is None:
        raise unknown(known)
    if json:
        print_json(msgspec.to_builtins(found))
        return
    table = Table.grid(padding=(0, 2))
    lines = {
        "id": found.id,
        "definition": f"{found.definition_id} v{found.definition_version}",
        "key": found.business_key,
        "status": found.status,
        "at": found.current_activity,
        "error": found.error,
        "started": found.started_at,
        "updated": found.updated_at,
        "ended": found.completed_at,
        "steps": found.steps,
        **{f"  {name}": orjson.dumps(value).decode() for name, value in found.variables.items()},
    }
    for name, value in lines.items():
        if value is not None:
            text = cell(value)
            text.justify = "left"
            table.add_row(name, text)
    out().print(table)


def unknown(instance: str) -> CliError:
    """There is no such instance in the database."""
    return CliError(
        f"There is no instance {instance} in the database.",
        "`weir instances` lists what there is. A new one appears when the projector has caught up: `weir status`.",
        reason="unknown_instance",
    )
