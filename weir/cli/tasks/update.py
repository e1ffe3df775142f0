"""``weir tasks update ID``: make a task more or less urgent."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.core.commands import UpdateTask
from weir.cli import options
from weir.cli.tasks.options import TaskId, User, check_task
from weir.cli.tasks.sending import send

FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def update(
    ctx: typer.Context,
    task: TaskId,
    *,
    user: User,
    priority: Annotated[int | None, typer.Option("--priority", "-p", min=0, max=100, help="0 to 100.")] = None,
    due: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Plant time, in UTC.")] = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Change the priority of a task, or when it is due."""
    moment = None if due is None else due.replace(tzinfo=UTC)
    send(ctx, UpdateTask(task_id=check_task(task), user=user, priority=priority, due=moment), timeout, json=json)
