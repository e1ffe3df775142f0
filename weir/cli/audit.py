"""``weir audit``: who has asked the gateway for what, and what was answered?"""

import asyncio
from typing import Annotated

import msgspec
import typer

from projections.queries import AuditFilter, AuditItem
from projections.queries import audit as query
from streams.core.durations import instant
from streams.core.ids import check_instance_id
from weir.cli import options
from weir.cli.options import moment_ms
from weir.cli.output import print_json, print_table
from weir.cli.session import session_of
from weir.database import connected

COLUMNS = ("time", "who", "from", "asked for", "about", "answered", "cause")


def audit(
    ctx: typer.Context,
    *,
    who: Annotated[
        str | None, typer.Option("--who", help="Asked by this user or API key, as the list names them.")
    ] = None,
    what: Annotated[
        str | None, typer.Option("--what", help="About this instance, task, definition, key … as the list has it.")
    ] = None,
    route: Annotated[
        str | None, typer.Option("--route", help="As the list has it: /processes/{instance_id}/cancel.")
    ] = None,
    status: Annotated[int | None, typer.Option("--status", min=100, max=599, help="Answered so: 403.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was not done: 400 and above.")] = False,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From then on: RFC 3339, or an age: 2h.")
    ] = "7d",
    until: options.Until = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List what the gateway was asked to do, the newest first: by whom, from where, and what it answered.

    Times are the wall's, UTC. `--json` has requests too, and rows before and after.
    """
    session = session_of(ctx)
    begin, end = moment_ms(since, "--since"), moment_ms(until, "--until")
    instance = _instance(what)
    wanted = AuditFilter(
        principal=who,
        route=route,
        target=what if instance is None else None,
        instance_id=instance,
        status=status,
        refused=refused,
        since=None if begin is None else instant(max(0, begin)),
        until=None if end is None else instant(max(0, end)),
    )

    async def ask() -> list[AuditItem]:
        async with connected(session.settings) as connection:
            return [item for item, _ in await query(connection, wanted, limit=limit)]

    found = asyncio.run(ask())
    if json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    rows = [
        (
            one.time,
            one.principal or one.kind,
            one.address,
            f"{one.method} {one.route or '(no such route)'}",
            one.target,
            one.status,
            one.cause,
        )
        for one in found
    ]
    print_table(COLUMNS, rows, f"nothing of that since {since}")


def _instance(what: str | None) -> str | None:
    """All that was about an instance is found by its id, what was done to its tasks too."""
    try:
        return None if what is None else check_instance_id(what)
    except ValueError:
        return None
