"""``weir incidents``: what went wrong, and what became of it?"""

import asyncio
from typing import Annotated

import msgspec
import typer

from projections.queries import Incident
from projections.queries import incidents as query
from weir.cli import options
from weir.cli.options import check_instance
from weir.cli.output import moment, print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

COLUMNS = ("instance", "definition", "type", "at", "error", "since", "resolved")


def incidents(
    ctx: typer.Context,
    *,
    open_only: Annotated[bool, typer.Option("--open", "-o", help="Only what nobody has resolved yet.")] = False,
    definition: options.Definition = None,
    instance: options.Instance = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List what stopped instances until somebody looked, the newest first; `weir retry` lets one go on."""
    session = session_of(ctx)
    known = None if instance is None else check_instance(instance, "--instance")

    async def ask() -> list[Incident]:
        async with connected(session.settings) as connection:
            return await query(
                connection, open_only=open_only, definition_id=definition, instance_id=known, limit=limit
            )

    found = asyncio.run(ask())
    if json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    rows = [
        (
            one.instance_id,
            f"{one.definition_id} v{one.definition_version}",
            one.type,
            one.activity_id,
            f"{one.error_type}: {one.message}",
            one.created_at,
            None if one.resolved_at is None else f"{one.resolution} {moment(one.resolved_at)}",
        )
        for one in found
    ]
    print_table(COLUMNS, rows, "no such incidents" if open_only or definition or instance else "no incidents")
