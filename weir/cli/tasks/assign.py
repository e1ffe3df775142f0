"""``weir tasks assign ID``: give a task to somebody."""

from typing import Annotated

import typer

from streams.core.commands import AssignTask
from weir.cli import options
from weir.cli.tasks.options import TaskId, User, check_task
from weir.cli.tasks.sending import send


def assign(
    ctx: typer.Context,
    task: TaskId,
    *,
    user: User,
    to: Annotated[str | None, typer.Option(help="To whom; nobody when it is left out.", show_default=False)] = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Give a task to somebody, whoever has it; without --to take it from whoever has it."""
    send(ctx, AssignTask(task_id=check_task(task), user=user, assignee=to), timeout, json=json)
