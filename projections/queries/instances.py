"""Which instances are there?  The newest first, page by page."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from projections.instance_filter import InstanceFilter, selects
from projections.statements import Parameters
from streams.core.durations import instant
from streams.core.ids import check_instance_id, started_at_ms

COLUMNS = (
    "id, definition_id, definition_version, status, status_since, business_key, reference, current_activity, error,"
    " steps, last_seq, started_at, updated_at, completed_at"
)


class InstanceSummary(msgspec.Struct, frozen=True):
    """An instance without its variables.  ``completed_at`` is when it ended in whichever way; times are plant time."""

    id: UUID
    definition_id: str
    definition_version: int
    status: str
    status_since: datetime | None
    business_key: str | None
    reference: str | None
    current_activity: str | None
    error: str | None
    steps: int
    last_seq: int
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None


async def instances(
    connection: asyncpg.Connection,
    wanted: InstanceFilter | None = None,
    *,
    before: str | None = None,
    limit: int = 50,
) -> list[InstanceSummary]:
    """At most ``limit`` instances, ordered by (started_at, id), the newest first.

    ``before``: the id of a page's last instance gives the next page, however many instances have started meanwhile.
    Raises ``ValueError`` for a ``before`` that is no instance id.
    """
    query, values = statement(wanted or InstanceFilter(), before, limit)
    return [InstanceSummary(**row) for row in await connection.fetch(query, *values)]


def statement(wanted: InstanceFilter, before: str | None, limit: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter = Parameters()
    conditions = wanted.conditions(parameter)
    if before is not None:
        last = check_instance_id(before)
        at, id_ = parameter(instant(started_at_ms(last))), parameter(UUID(last))
        conditions += [f"(started_at, id) < ({at}, {id_})", f"started_at <= {at}"]  # the former excludes no chunk
    tail = f"ORDER BY started_at DESC, id DESC LIMIT {parameter(limit)}"
    query = selects(wanted, COLUMNS, conditions, parameter, tail)
    return (query if len(wanted.status) <= 1 else f"SELECT * FROM ({query}) AS each {tail}"), parameter.values  # noqa: S608
