"""What the gateway was asked to do, by whom, and how it was answered."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from projections.statements import Parameters, conditions_of

COLUMNS = (
    "time, id, principal, kind, method, route, target, request_id, address, command_id, instance_id, cause, status, "
    "request::text, before::text, after::text, record_partition, record_offset"
)

REFUSED = 400


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold.  ``refused``: only what was answered 400 and above.

    ``since`` is inclusive, ``until`` is not; both are wall time.
    """

    principal: str | None = None
    route: str | None = None
    target: str | None = None
    instance_id: str | None = None
    status: int | None = None
    refused: bool = False
    since: datetime | None = None
    until: datetime | None = None


class AuditPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a write stands among all: what comes behind it is older."""

    time: datetime
    partition: int
    offset: int


class AuditItem(msgspec.Struct, kw_only=True):
    """A write.  ``principal`` is null where nobody is known; ``cause`` is the place of the command that it led to, as
    that command's events name it; ``request`` is without secrets and what is long.
    """

    time: datetime
    id: str
    principal: str | None
    kind: str
    method: str
    route: str | None
    target: str | None
    request_id: str
    address: str | None
    command_id: str | None
    instance_id: str | None
    cause: str | None
    status: int
    request: Any
    before: Any
    after: Any


async def audit(
    connection: asyncpg.Connection, wanted: AuditFilter, *, before: AuditPlace | None = None, limit: int = 50
) -> list[tuple[AuditItem, AuditPlace]]:
    """Writes, the newest first, each with its place."""
    query, values = statement(wanted, before, limit)
    return [_item(dict(row)) for row in await connection.fetch(query, *values)]


def statement(wanted: AuditFilter, before: AuditPlace | None, limit: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter = Parameters()
    found: list[tuple[str, Any]] = [
        ("principal = {}", wanted.principal),
        ("route = {}", wanted.route),
        ("target = {}", wanted.target),
        ("instance_id = {}", wanted.instance_id),
        ("status = {}", wanted.status),
        ("status >= {}", REFUSED if wanted.refused else None),
        ("time >= {}", wanted.since),
        ("time < {}", wanted.until),
    ]
    conditions = conditions_of(found, parameter)
    if before is not None:
        place = [parameter(value) for value in (before.time, before.partition, before.offset)]
        conditions += [f"time <= {place[0]}", f"(time, record_partition, record_offset) < ({', '.join(place)})"]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    tail = f"ORDER BY time DESC, record_partition DESC, record_offset DESC LIMIT {parameter(limit)}"
    return f"SELECT {COLUMNS} FROM audit_log {where} {tail}", parameter.values  # noqa: S608  columns and parameters


def _item(row: dict[str, Any]) -> tuple[AuditItem, AuditPlace]:
    place = AuditPlace(row["time"], row.pop("record_partition"), row.pop("record_offset"))
    for name in ("request", "before", "after"):
        row[name] = None if row[name] is None else msgspec.json.decode(row[name])
    row["instance_id"] = None if row["instance_id"] is None else str(row["instance_id"])
    return AuditItem(**row), place
