"""``weir tasks complete ID``: answer a task."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.core.commands import CompleteTask
from weir.cli import options
from weir.cli.options import parse_object, parse_pairs
from weir.cli.tasks.options import Groups, TaskId, User, check_task
from weir.cli.tasks.sending import send


def complete(
    ctx: typer.Context,
    task: TaskId,
    *,
    user: User,
    group: Groups = None,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", "-a", metavar="NAME=VALUE", help="An answer; JSON, or else text.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option(help="The answers, a JSON object; --answer wins.", exists=True, dir_okay=False)
    ] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", "-o", help="One of the task's outcomes.")] = None,
    timeout: options.Timeout = 30.0,
    json: options.Json = False,
) -> None:
    """Answer a task. Answers that do not fit its form are refused, and it stays open."""
    answers: dict[str, Any] | None = None
    if json_file is not None:
        answers = parse_object(json_file.read_text(), "--json-file")
    if answer:
        answers = {**(answers or {}), **parse_pairs(answer, "--answer")}
    command = CompleteTask(task_id=check_task(task), user=user, groups=group or [], answers=answers, outcome=outcome)
    send(ctx, command, timeout, json=json)
