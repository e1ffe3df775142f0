"""What is the state of this instance?"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.queries.instances import COLUMNS, InstanceSummary
from streams.core.durations import instant
from streams.core.ids import check_instance_id, started_at_ms

_QUERY = f"""
    SELECT {COLUMNS}, steps_completed, variables::text, trigger::text, current_activity AS node_id,
           (SELECT definition ->> 'description' FROM process_definitions AS d
            WHERE (d.id, d.version) = (definition_id, definition_version)) AS description
    FROM process_instances WHERE id = $1 AND started_at = $2
"""  # noqa: S608  the columns are constants


class Instance(InstanceSummary, frozen=True):
    """An instance with its variables, and with what set it off, as its start told."""

    steps_completed: int
    variables: dict[str, Any]
    trigger: dict[str, Any] | None


class InstanceNow(Instance, frozen=True):
    """An instance as it stands.

    ``node_id`` is ``current_activity`` by another name, ``description`` its definition's.  ``next_execution`` is when
    the next of its timers, retries and timeouts of activities is due, where ``upcoming`` has looked.
    """

    node_id: str | None = None
    description: str | None = None
    next_execution: datetime | None = None


async def instance(connection: asyncpg.Connection, instance_id: str) -> InstanceNow | None:
    """The instance, or ``None``.  Its id tells when it started, so that one chunk is looked at.

    Raises ``ValueError`` for what is no instance id.
    """
    known = check_instance_id(instance_id)
    row = await connection.fetchrow(_QUERY, UUID(known), instant(started_at_ms(known)))
    return None if row is None else InstanceNow(**_fields(row))


def summary(row: asyncpg.Record) -> Instance:
    """A row with the columns of ``Instance``."""
    return Instance(**_fields(row))


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    trigger = None if row["trigger"] is None else msgspec.json.decode(row["trigger"])
    return dict(row) | {"variables": msgspec.json.decode(row["variables"]), "trigger": trigger}
