"""Who waits for this event?  Processes that it starts, and instances that stand at an activity which awaits it.

An event is known by its name: a message's, one of the station's such as ``zone_entry``, or the topic of readings.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

_TRIGGERS = """
    SELECT p.id AS definition_id, p.version, t.id AS trigger_id, t.trigger_type, t.trigger_config::text, t.conditions
    FROM process_triggers AS t JOIN processes AS p ON p.id = t.process_id
    WHERE p.is_active AND t.is_active
      AND ($1 IN (t.trigger_config ->> 'topic', CASE t.trigger_type WHEN 'message' THEN t.trigger_config ->> 'name'
                                                                    ELSE t.trigger_type END))
    ORDER BY p.id, length(t.id), t.id
"""
_AWAITING = """
    SELECT DISTINCT id FROM process_definitions
    WHERE jsonb_path_exists(definition, '$.** ? (@.type == "message" && @.name == $name)',
                            jsonb_build_object('name', $1::text))
"""
_OVER = """
    EXISTS (SELECT FROM process_history AS e
            WHERE e.instance_id = h.instance_id AND e.seq > h.seq AND e.timestamp BETWEEN h.timestamp AND i.updated_at
              AND e.event_type IN ('activity_completed', 'activity_failed', 'activity_cancelled', 'error_caught')
              AND e.data -> 'execution' = h.data -> 'execution')
"""
_COLUMNS = """
    h.instance_id, i.definition_id, i.definition_version, h.activity_id, i.status, i.business_key,
    h.data ->> 'correlation' AS correlation, h.timestamp AS since, h.seq, i.started_at
"""
_RUNS = """
    i.status IN ('running', 'suspended') AND ($2::uuid IS NULL OR i.id < $2 OR (i.id = $2 AND h.seq > $5::int))
"""
_OF_NAME = f"""
    SELECT {_COLUMNS} FROM process_instances AS i
    JOIN process_history AS h ON h.instance_id = i.id AND h.timestamp BETWEEN i.started_at AND i.updated_at
    WHERE {_RUNS} AND i.definition_id = ANY ($3::text[])
      AND h.event_type = 'message_awaited' AND h.data ->> 'name' = $1 AND NOT {_OVER}
"""  # noqa: S608  constants
_BY_CORRELATION = f"""
    SELECT {_COLUMNS} FROM process_history AS h
    JOIN process_instances AS i ON i.id = h.instance_id AND i.started_at = 'epoch'::timestamptz
        + ('x' || translate(left(h.instance_id::text, 13), '-', ''))::bit(48)::bigint * interval '1 millisecond'
    WHERE {_RUNS} AND h.event_type = 'message_awaited' AND h.data ->> 'name' = $1 AND h.data ->> 'correlation' = $6
      AND NOT {_OVER}
"""  # noqa: S608  constants
_TAIL = "ORDER BY started_at DESC, instance_id DESC, seq LIMIT $4"


class WaitingTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger of an active process, as ``GET /api/processes/{id}`` has it; ``conditions`` as an expression."""

    definition_id: str
    version: int
    trigger_id: str
    trigger_type: str
    trigger_config: dict[str, Any]
    conditions: str | None


class WaitingInstance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance that stands at an activity of type ``message``.

    With a ``correlation`` it waits for what is published under that; without, for what is sent to it, or to its
    ``business_key``.  ``seq`` is that of the event which says so.
    """

    instance_id: UUID
    definition_id: str
    definition_version: int
    activity_id: str
    status: str
    business_key: str | None
    correlation: str | None
    since: datetime
    seq: int


class WaitPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a wait stands among all: what comes behind it is of an older instance, or a later one of its own."""

    instance_id: UUID
    seq: int

    @classmethod
    def of(cls, one: WaitingInstance) -> "WaitPlace":
        """The wait's."""
        return cls(one.instance_id, one.seq)


async def waiting_triggers(connection: asyncpg.Connection, event: str) -> list[WaitingTrigger]:
    """Triggers that the event may set off, by definition."""
    rows = await connection.fetch(_TRIGGERS, event)
    return [
        WaitingTrigger(**dict(row) | {"trigger_config": msgspec.json.decode(row["trigger_config"])}) for row in rows
    ]


async def waiting_instances(
    connection: asyncpg.Connection,
    event: str,
    key: str | None = None,
    *,
    before: WaitPlace | None = None,
    limit: int = 50,
) -> list[WaitingInstance]:
    """Instances that wait for a message of that name, the newest first, from behind ``before`` on.

    ``key``: only those that a message under that correlation key, or a signal to that business key, would reach.
    """
    awaiting = [row["id"] for row in await connection.fetch(_AWAITING, event)]
    asked = [event, before and before.instance_id, awaiting, limit, before and before.seq]
    if key is None:
        rows = await connection.fetch(f"{_OF_NAME} {_TAIL}", *asked)
    else:
        query = f"""
            SELECT * FROM (({_OF_NAME} AND i.business_key = $6 AND h.data ->> 'correlation' IS NULL {_TAIL})
                           UNION ALL ({_BY_CORRELATION} {_TAIL})) AS each {_TAIL}
        """  # noqa: S608  constants
        rows = await connection.fetch(query, *asked, key)
    return [WaitingInstance(**{name: row[name] for name in WaitingInstance.__struct_fields__}) for row in rows]
