"""``weir tasks unclaim ID``: give a task back."""

import typer

from streams.core.commands import UnclaimTask
from weir.cli import options
from weir.cli.tasks.options import TaskId, User, check_task
from weir.cli.tasks.sending import send


def unclaim(
    ctx: typer.Context, task: TaskId, *, user: User, timeout: options.Timeout = 30.0, json: options.Json = False
) -> None:
    """Give a task back: to those who may claim it, or to whoever has delegated it."""
    send(ctx, UnclaimTask(task_id=check_task(task), user=user), timeout, json=json)
