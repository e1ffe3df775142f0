"""``weir tasks``: what is there to do?"""

import asyncio
from typing import Annotated, get_args

import msgspec
import typer

from projections.queries import TaskFilter, TaskSummary
from projections.queries import tasks as query
from projections.queries.tasks import Status
from weir.cli import options
from weir.cli.options import check_instance
from weir.cli.output import moment, print_json, print_table
from weir.cli.session import session_of
from weir.cli.tasks.options import Groups
from weir.database import connected

COLUMNS = ("id", "title", "status", "whose", "queue", "priority", "due", "created")
STATUSES = get_args(Status)


def _status(value: str) -> str:
    if value not in STATUSES:
        raise typer.BadParameter(f"Expected one of {', '.join(STATUSES)}, but got {value!r}")
    return value


def list_(
    ctx: typer.Context,
    *,
    mine: Annotated[
        str | None, typer.Option("--mine", "-m", metavar="USER", help="What the user has, may claim or has to answer.")
    ] = None,
    group: Groups = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", help="Only those of this queue.")] = None,
    instance: options.Instance = None,
    definition: options.Definition = None,
    status: Annotated[
        str, typer.Option("--status", "-s", callback=_status, help=f"One of {', '.join(STATUSES)}.")
    ] = "open",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List user tasks, the most urgent first; `weir tasks COMMAND` does something with one."""
    if ctx.invoked_subcommand is not None:
        return
    session = session_of(ctx)
    wanted = TaskFilter(
        status=status,  # type: ignore[arg-type]  # the callback has seen that it is one
        user=mine,
        groups=group or (),
        queue=queue,
        instance_id=None if instance is None else check_instance(instance, "--instance"),
        definition_id=definition,
    )

    async def ask() -> list[TaskSummary]:
        async with connected(session.settings) as connection:
            return await query(connection, wanted, limit=limit)

    found = asyncio.run(ask())
    if json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    rows = [
        (
            one.id,
            one.title,
            one.status,
            whose(one),
            one.queue,
            one.priority,
            one.due and moment(one.due),
            one.created_at,
        )
        for one in found
    ]
    print_table(COLUMNS, rows, "nothing to do" if status == "open" else "no such tasks")


def whose(task: TaskSummary) -> str:
    """Who has the task, or may have it, in words."""
    if task.approvers:
        return ", ".join(f"{one}: {task.votes.get(one, '…')}" for one in task.approvers)
    if task.assignee is not None:
        return task.assignee if task.owner is None else f"{task.assignee} for {task.owner}"
    candidates = [*task.candidate_users, *(f"group {group}" for group in task.candidate_groups)]
    return f"({', '.join(candidates) or 'anybody'})"
