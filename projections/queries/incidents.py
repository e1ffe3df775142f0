"""What went wrong, and what became of it?  The newest first."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from projections.statements import Parameters, conditions_of

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


class IncidentPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where an incident stands among all: what comes behind it is older."""

    created_at: datetime
    instance_id: UUID
    seq: int

    @classmethod
    def of(cls, incident: Incident) -> "IncidentPlace":
        """The incident's."""
        return cls(incident.created_at, incident.instance_id, incident.seq)


async def incidents(
    connection: asyncpg.Connection,
    *,
    open_only: bool = False,
    definition_id: str | None = None,
    instance_id: str | None = None,
    since: datetime | None = None,
    before: IncidentPlace | None = None,
    limit: int = 50,
) -> list[Incident]:
    """At most ``limit`` incidents that meet all conditions, created at ``since`` or later, from behind ``before``."""
    parameter = Parameters()
    conditions = ["resolved_at IS NULL"] if open_only else []
    wanted = (
        ("definition_id = {}", definition_id),
        ("instance_id = {}", None if instance_id is None else UUID(instance_id)),
        ("created_at >= {}", since),
    )
    conditions += conditions_of(wanted, parameter)
    if before is not None:
        place = [parameter(value) for value in (before.created_at, before.instance_id, before.seq)]
        conditions.append(f"(created_at, instance_id, seq) < ({', '.join(place)})")
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    tail = f"ORDER BY created_at DESC, instance_id DESC, seq DESC LIMIT {parameter(limit)}"
    query = f"SELECT {COLUMNS} FROM incidents {where} {tail}"  # noqa: S608  columns and parameters
    return [Incident(**row) for row in await connection.fetch(query, *parameter.values)]
