"""What is the state of this task?"""

from typing import Any

import asyncpg
import msgspec

from projections.queries.tasks import COLUMNS, TaskSummary, summary

_QUERY = f"SELECT {COLUMNS}, description, outcomes, form::text, answers::text FROM tasks WHERE id = $1"  # noqa: S608


class Task(TaskSummary, frozen=True, kw_only=True):
    """A task with what it asks, and what was answered."""

    description: str | None
    outcomes: list[str]
    form: dict[str, Any] | None
    answers: dict[str, Any] | None


async def task(connection: asyncpg.Connection, task_id: str) -> Task | None:
    """The task with this id, ``<instance id>:<execution>``, or ``None``."""
    row = await connection.fetchrow(_QUERY, task_id)
    if row is None:
        return None
    columns = dict(row)
    form, answers = columns.pop("form"), columns.pop("answers")
    outcomes, description = columns.pop("outcomes"), columns.pop("description")
    return Task(
        **msgspec.structs.asdict(summary(columns)),
        description=description,
        outcomes=outcomes,
        form=None if form is None else msgspec.json.decode(form),
        answers=None if answers is None else msgspec.json.decode(answers),
    )
