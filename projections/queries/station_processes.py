"""Which processes are there, as a station's people know them?  One a definition, whatever its versions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from projections.statements import Parameters

Sort = Literal[
    "name",
    "created_at",
    "updated_at",
    "last_executed",
    "execution_count",
    "success_rate",
    "avg_execution_time",
]
"""Columns that a list may be sorted by."""
Order = Literal["asc", "desc"]
_COLUMNS = (
    "id, version, name, description, template_id, created_by, created_at, updated_at, is_active, execution_count,"
    " last_executed, success_rate, avg_execution_time, labels::text"
)
_ONE = f"""
    SELECT {_COLUMNS}, (SELECT definition::text FROM process_definitions AS d
                        WHERE (d.id, d.version) = (processes.id, processes.version)) AS definition
    FROM processes WHERE id = $1
"""  # noqa: S608  the columns are constants


class StationProcess(msgspec.Struct, frozen=True, kw_only=True):
    """``version`` is the one that starts instances, else the newest; ``created_by`` deployed the first one.

    ``success_rate`` is the share of completed ones among those that ended, but for cancelled ones (0 to 1), and
    ``avg_execution_time`` theirs in ms; ``None`` where there are none.
    """

    id: str
    version: int
    name: str
    description: str | None
    template_id: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    is_active: bool
    execution_count: int
    last_executed: datetime | None
    success_rate: float | None
    avg_execution_time: float | None
    labels: dict[str, str]


class StationDefinition(StationProcess, frozen=True, kw_only=True):
    """A process with what its version says."""

    definition: dict[str, Any]


async def station_processes(
    connection: asyncpg.Connection,
    *,
    is_active: bool | None = None,
    template_id: str | None = None,
    created_by: str | None = None,
    labels: Mapping[str, str | None] | None = None,
    sort: Sort = "name",
    order: Order = "asc",
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[StationProcess], int]:
    """A page, and how many there are on all pages.

    ``labels``: those that it must have, with these values; ``None``: with any.  What has nothing to sort by comes last
    in either order, and what is equal goes by id: pages fit together.
    """
    parameter = Parameters()
    given = (("is_active", is_active), ("template_id", template_id), ("created_by", created_by))
    conditions = [f"{column} = {parameter(value)}" for column, value in given if value is not None]
    for name, value in (labels or {}).items():
        if value is None:
            conditions.append(f"labels ? {parameter(name)}")
        else:
            conditions.append(f"labels ->> {parameter(name)} = {parameter(value)}")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    asked = tuple(parameter.values)
    tail = f"ORDER BY {sort} {order} NULLS LAST, id LIMIT {parameter(limit)} OFFSET {parameter(offset)}"
    rows = await connection.fetch(
        f"SELECT {_COLUMNS}, count(*) OVER () AS total FROM processes {where} {tail}",  # noqa: S608
        *parameter.values,
    )
    if rows:
        total = rows[0]["total"]
    else:
        total = await connection.fetchval(f"SELECT count(*) FROM processes {where}", *asked)  # noqa: S608
    names = StationProcess.__struct_fields__
    return [StationProcess(**{name: fields[name] for name in names}) for fields in map(_fields, rows)], total


async def station_process(connection: asyncpg.Connection, process_id: str) -> StationDefinition | None:
    """One process; ``None`` when there is none."""
    row = await connection.fetchrow(_ONE, process_id)
    if row is None:
        return None
    return StationDefinition(**_fields(row) | {"definition": msgspec.json.decode(row["definition"])})


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    return dict(row) | {"labels": msgspec.json.decode(row["labels"])}
