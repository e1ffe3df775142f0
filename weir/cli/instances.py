"""``weir instances``: which instances are there?"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from projections.instance_filter import InstanceFilter
from projections.queries import Incident, InstanceSummary, incidents_of
from projections.queries import instances as query
from weir.cli import options
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

COLUMNS = ("id", "definition", "key", "status", "at", "started", "ended", "error")
STANDING = ("running", "suspended")
"""Some of these have an incident, by which a branch of them stands still."""
MAX_INCIDENTS = 50
"""Of an instance."""
STATUSES = ("running", "suspended", "completed", "failed", "cancelled", "timeout")


def _status(value: str | None) -> str | None:
    if value is not None and value not in STATUSES:
        raise typer.BadParameter(f"Expected one of {', '.join(STATUSES)}, but got {value!r}")
    return value


def instances(
    ctx: typer.Context,
    *,
    status: Annotated[
        str | None, typer.Option("--status", "-s", callback=_status, help=f"Only these: {', '.join(STATUSES)}.")
    ] = None,
    definition: options.Definition = None,
    key: options.Key = None,
    reference: Annotated[
        str | None, typer.Option("--reference", "-r", metavar="TEXT", help="Only those with this in their reference.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List instances, the newest first. Times are plant time, UTC."""
    session = session_of(ctx)
    statuses: Any = () if status is None else (status,)
    wanted = InstanceFilter(status=statuses, definition_id=definition, key=key, reference=reference)

    async def ask() -> tuple[list[InstanceSummary], dict[UUID, list[Incident]]]:
        async with connected(session.settings) as connection:
            found = await query(connection, wanted, limit=limit)
            standing = [] if json else [one.id for one in found if one.status in STANDING]
            return found, await incidents_of(connection, standing, MAX_INCIDENTS, open_only=True) if standing else {}

    found, unresolved = asyncio.run(ask())
    if json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    why = {id_: f"incident at {of[-1].activity_id}: {of[-1].message}" for id_, of in unresolved.items()}
    named = any(one.reference is not None for one in found)  # else the column would be room for nothing
    rows = [
        (
            one.id,
            f"{one.definition_id} v{one.definition_version}",
            one.business_key,
            *([one.reference] if named else []),
            one.status,
            one.current_activity,
            one.started_at,
            one.completed_at,
            one.error or why.get(one.id),
        )
        for one in found
    ]
    columns = (*COLUMNS[:3], *(["reference"] if named else []), *COLUMNS[3:])
    print_table(columns, rows, "no such instances" if status or definition or key or reference else "no instances")
