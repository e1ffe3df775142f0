"""``weir tasks show ID``: one task, whole."""

import asyncio

import msgspec
import orjson
import typer
from rich.table import Table

from projections.queries import Task
from projections.queries import task as query
from weir.cli import options
from weir.cli.errors import CliError
from weir.cli.output import cell, out, print_json
from weir.cli.session import session_of
from weir.cli.tasks.list_ import whose
from weir.cli.tasks.options import TaskId, check_task
from weir.database import connected


def show(ctx: typer.Context, task: TaskId, *, json: options.Json = False) -> None:
    """Show a task: whose it is, what it asks, and what was answered. `weir history` has all that happened to it."""
    known, settings = check_task(task), session_of(ctx).settings

    async def ask() -> Task | None:
        async with connected(settings) as connection:
            return await query(connection, known)

    found = asyncio.run(ask())
    if found is None:
        raise CliError(
            f"There is no task {known} in the database.",
            "`weir tasks` lists what there is. A new one appears when the projector has caught up: `weir status`.",
            reason="unknown_task",
        )
    if json:
        print_json(msgspec.to_builtins(found))
        return
    lines = {
        "id": found.id,
        "title": found.title,
        "description": found.description,
        "status": found.status,
        "whose": whose(found),
        "queue": found.queue,
        "priority": found.priority,
        "due": found.due,
        "escalated": found.escalation_level or None,
        "process": f"{found.definition_id} v{found.definition_version}, {found.activity_id}",
        "created": found.created_at,
        "claimed": found.claimed_at,
        "ended": found.completed_at,
        "by": found.completed_by,
        "outcome": found.outcome or (" or ".join(found.outcomes) and f"expected: {' or '.join(found.outcomes)}"),
        "form": found.form and orjson.dumps(found.form).decode(),
        "answers": found.answers and orjson.dumps(found.answers).decode(),
    }
    table = Table.grid(padding=(0, 2))
    for name, value in lines.items():
        if value not in (None, ""):
            text = cell(value)
            text.justify = "left"
            table.add_row(name, text)
    out().print(table)
