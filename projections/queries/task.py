"""What is the state of this task?"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from projections.queries.tasks import COLUMNS, TaskSummary, summary

_QUERY = f"SELECT {COLUMNS}, description, outcomes, form::text, answers::text FROM tasks WHERE id = ANY ($1::text[])"  # noqa: S608


class Task(TaskSummary, frozen=True, kw_only=True):
    """A task with what it asks, and what was answered."""

    description: str | None
    outcomes: list[str]
    form: dict[str, Any] | None
    answers: dict[str, Any] | None


async def task(connection: asyncpg.Connection, task_id: str) -> Task | None:
    """The task with this id, ``<instance id>:<execution>``, or ``None``."""
    return (await tasks_by_id(connection, [task_id])).get(task_id)


async def tasks_by_id(connection: asyncpg.Connection, ids: Sequence[str]) -> dict[str, Task]:
    """The tasks with these ids."""
    return {row["id"]: _task(dict(row)) for row in await connection.fetch(_QUERY, ids)}


def _task(columns: dict[str, Any]) -> Task:
    form, answers = columns.pop("form"), columns.pop("answers")
    outcomes, description = columns.pop("outcomes"), columns.pop("description")
    return Task(
        **msgspec.structs.asdict(summary(columns)),
        description=description,
        outcomes=outcomes,
        form=None if form is None else msgspec.json.decode(form),
        answers=None if answers is None else msgspec.json.decode(answers),
    )
