"""The simulated database's table ``tasks``, and the projector's statements on it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from projections.tables import tasks

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]
_TIMES = ("started_at", "due", "created_at", "claimed_at", "completed_at", "updated_at")
_JSON_COLUMNS = ("form", "votes", "answers")


def _task_columns(text: str) -> Row:
    """Columns of ``tasks`` in JSON, as ``jsonb_populate_record`` reads them."""
    columns: Row = msgspec.json.decode(text)
    for name, value in columns.items():
        if name in _TIMES and value is not None:
            columns[name] = datetime.fromisoformat(value)
        elif name in _JSON_COLUMNS and value is not None:
            columns[name] = msgspec.json.encode(value).decode()
    return columns


async def _insert_tasks(session: "Session", made: Sequence[str]) -> list[Row]:
    for row in map(_task_columns, made):
        key = (row["id"],)
        await session.lock(("tasks", *key))
        if key in session.tables.tasks:
            raise asyncpg.UniqueViolationError(f"duplicate key value violates unique constraint: {key}")
        session.change(session.tables.tasks, key, row)
    return []


async def _update_tasks(
    session: "Session", ids: Sequence[str], patches: Sequence[str], votes: Sequence[str]
) -> list[Row]:
    for id_, patch, more in zip(ids, patches, votes, strict=True):
        await session.lock(("tasks", id_))
        if (old := session.tables.tasks.get((id_,))) is not None:
            merged = msgspec.json.decode(old["votes"]) | msgspec.json.decode(more)
            row = old | _task_columns(patch) | {"votes": msgspec.json.encode(merged).decode()}
            session.change(session.tables.tasks, (id_,), row)
    return []


STATEMENTS: dict[str, Callable[..., Awaitable[list[Row]]]] = {
    tasks._INSERT: _insert_tasks,  # noqa: SLF001
    tasks._UPDATE: _update_tasks,  # noqa: SLF001
}
"""By their text."""
