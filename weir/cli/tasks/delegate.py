"""``weir tasks delegate ID``: have somebody else do one's task."""

from typing import Annotated

import typer

from streams.core.commands import DelegateTask
from weir.cli import options
from weir.cli.tasks.options import TaskId, User, check_task
from weir.cli.tasks.sending import send


def delegate(
    ctx: typer.Context,
    task: TaskId,
    *,
    user: User,
    to: Annotated[str, typer.Option(help="Who is to do it.", show_default=False)],
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Have somebody else do one's task: their answer comes back, and completing it is up to the user."""
    send(ctx, DelegateTask(task_id=check_task(task), user=user, to=to), timeout, json=json)
