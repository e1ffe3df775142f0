"""What is the state of this instance?"""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.queries.instances import COLUMNS, InstanceSummary
from streams.core.durations import instant
from streams.core.ids import check_instance_id, started_at_ms

_QUERY = f"""
    SELECT {COLUMNS}, steps_completed, variables::text, trigger::text
    FROM process_instances WHERE id = $1 AND started_at = $2
"""  # noqa: S608  the columns are constants


class Instance(InstanceSummary, frozen=True):
    """An instance with its variables, and with what set it off, as its start told."""

    steps_completed: int
    variables: dict[str, Any]
    trigger: dict[str, Any] | None


async def instance(connection: asyncpg.Connection, instance_id: str) -> Instance | None:
    """The instance, or ``None``.  Its id tells when it started, so that one chunk is looked at.

    Raises ``ValueError`` for what is no instance id.
    """
    known = check_instance_id(instance_id)
    row = await connection.fetchrow(_QUERY, UUID(known), instant(started_at_ms(known)))
    return None if row is None else summary(row)


def summary(row: asyncpg.Record) -> Instance:
    """A row with these columns."""
    trigger = None if row["trigger"] is None else msgspec.json.decode(row["trigger"])
    return Instance(**dict(row) | {"variables": msgspec.json.decode(row["variables"]), "trigger": trigger})
