"""Options that the commands of tasks share."""

from typing import Annotated

import typer

from streams.core.ids import check_instance_id
from streams.core.tasks.task import split_task_id, task_id

TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task, as `weir tasks` names it.", show_default=False)]
User = Annotated[str, typer.Option("--user", "-u", help="Who does it.", show_default=False)]
Groups = Annotated[
    list[str] | None, typer.Option("--group", "-g", help="A group that the user is in; several times for several.")
]


def check_task(text: str) -> str:
    """The task's id in canonical form.  Raises ``typer.BadParameter``."""
    try:
        instance, execution = split_task_id(text)
        return task_id(check_instance_id(instance), execution)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from None
