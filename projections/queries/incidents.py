"""What went wrong, and what became of it?  The newest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

COLUMNS = (
    "instance_id, seq, definition_id, definition_version, type, stopped, activity_id, token, error_type, message,"
    " created_at, resolved_at, resolution"
)


class Incident(msgspec.Struct, frozen=True):
    """``seq`` is that of the event which tells of it; an open one has neither ``resolved_at`` nor ``resolution``.

    ``type``: an ``activity`` failed and nobody caught the error; the ``process`` could not go on; it took too long
    (``timeout``); its state grew beyond a ``limit``; the processor could not process a command for it (``poison``).
    ``stopped``: the whole ``instance`` stands still, or only the ``token`` does.  Times are plant time.
    """

    instance_id: UUID
    seq: int
    definition_id: str
    definition_version: int
    type: str
    stopped: str
    activity_id: str | None
    token: str | None
    error_type: str
    message: str
    created_at: datetime
    resolved_at: datetime | None
    resolution: str | None


async def incidents(
    connection: asyncpg.Connection,
    *,
    open_only: bool = False,
    definition_id: str | None = None,
    instance_id: str | None = None,
    limit: int = 50,
) -> list[Incident]:
    """At most ``limit`` incidents that meet all conditions."""
    values: list[Any] = []
    conditions = ["resolved_at IS NULL"] if open_only else []
    given = (("definition_id", definition_id), ("instance_id", None if instance_id is None else UUID(instance_id)))
    for column, value in given:
        if value is not None:
            values.append(value)
            conditions.append(f"{column} = ${len(values)}")
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    values.append(limit)
    order = f"ORDER BY created_at DESC, instance_id DESC, seq DESC LIMIT ${len(values)}"
    query = f"SELECT {COLUMNS} FROM incidents {where} {order}"  # noqa: S608  columns and numbers of parameters
    return [Incident(**row) for row in await connection.fetch(query, *values)]
