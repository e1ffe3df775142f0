"""What has happened in this instance?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.statements import containing
from streams.core.durations import instant
from streams.core.ids import check_instance_id, started_at_ms

SAID = """concat_ws(' ', replace(event_type, '_', ' '), 'at ' || activity_id, message,
                    (CASE WHEN {} THEN data ELSE data - 'answers' END)::text)"""
"""What an event says, to be searched, with what was answered to tasks or without."""
COLUMNS = (
    "seq, timestamp, event_type, activity_id, message, data::text, definition_id, definition_version, cause, token"
)
QUERY = f"""
    SELECT {COLUMNS} FROM process_history
    WHERE instance_id = $1 AND timestamp >= $2 AND seq > $3
        AND ($5::timestamptz IS NULL OR timestamp <= $5) AND ($6::text[] IS NULL OR event_type = ANY ($6))
        AND ($7::text IS NULL OR {SAID.format("$8")} ILIKE $7)
    ORDER BY seq LIMIT $4
"""  # noqa: S608  constants


class HistoryEvent(msgspec.Struct, frozen=True):
    """One event; ``timestamp`` is plant time, ``cause`` the command's ``<partition>:<offset>``, ``token`` its line."""

    seq: int
    timestamp: datetime
    event_type: str
    activity_id: str | None
    message: str | None
    data: dict[str, Any]
    definition_id: str
    definition_version: int
    cause: str
    token: str | None = None


async def history(
    connection: asyncpg.Connection,
    instance_id: str,
    *,
    after_seq: int = 0,
    limit: int = 1_000,
    until: datetime | None = None,
    types: Sequence[str] | None = None,
    text: str | None = None,
    answers: bool = True,
) -> list[HistoryEvent]:
    """At most ``limit`` events with ``seq`` above ``after_seq``, in order: asked again with the last one's, it follows.

    ``until``: none that is later; with the instance's ``updated_at`` only the chunks of its own time are looked at.
    ``types``: only of these types.  ``text``: only those that say it, in whatever case; without ``answers`` not where
    they were answered to a task.  Raises ``ValueError`` for what is no instance id.
    """
    known = check_instance_id(instance_id)
    began = instant(started_at_ms(known))
    rows = await connection.fetch(
        QUERY,
        UUID(known),
        began,
        after_seq,
        limit,
        until,
        None if types is None else list(types),
        None if text is None else containing(text),
        answers,
    )
    return [HistoryEvent(**dict(row) | {"data": msgspec.json.decode(row["data"])}) for row in rows]
