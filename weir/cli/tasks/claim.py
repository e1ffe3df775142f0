"""``weir tasks claim ID``: take a task that nobody has."""

import typer

from streams.core.commands import ClaimTask
from weir.cli import options
from weir.cli.tasks.options import Groups, TaskId, User, check_task
from weir.cli.tasks.sending import send


def claim(
    ctx: typer.Context,
    task: TaskId,
    *,
    user: User,
    group: Groups = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Take a task that nobody has."""
    send(ctx, ClaimTask(task_id=check_task(task), user=user, groups=group or []), timeout, json=json)
