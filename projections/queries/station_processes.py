"""Which processes are there, as a station's people know them?  One a definition, whatever its versions."""

from datetime import datetime
from typing import Any

import asyncpg
import msgspec

_COLUMNS = (
    "id, version, name, description, template_id, created_by, created_at, updated_at, is_active, execution_count,"
    " last_executed, success_rate, avg_execution_time"
)
_LIST = f"""
    SELECT {_COLUMNS}, count(*) OVER () AS total FROM processes
    WHERE (NOT $1 OR is_active) AND ($2::text IS NULL OR template_id = $2) AND ($3::text IS NULL OR created_by = $3)
    ORDER BY name, id LIMIT $4 OFFSET $5
"""  # noqa: S608  the columns are constants
_COUNT = """
    SELECT count(*) FROM processes
    WHERE (NOT $1 OR is_active) AND ($2::text IS NULL OR template_id = $2) AND ($3::text IS NULL OR created_by = $3)
"""
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


class StationDefinition(StationProcess, frozen=True, kw_only=True):
    """A process with what its version says."""

    definition: dict[str, Any]


async def station_processes(
    connection: asyncpg.Connection,
    *,
    active_only: bool = False,
    template_id: str | None = None,
    created_by: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[StationProcess], int]:
    """A page by name, and how many there are on all pages."""
    asked = (active_only, template_id, created_by)
    rows = await connection.fetch(_LIST, *asked, limit, offset)
    total = rows[0]["total"] if rows else await connection.fetchval(_COUNT, *asked)
    names = StationProcess.__struct_fields__
    return [StationProcess(**{name: row[name] for name in names}) for row in rows], total


async def station_process(connection: asyncpg.Connection, process_id: str) -> StationDefinition | None:
    """One process; ``None`` when there is none."""
    row = await connection.fetchrow(_ONE, process_id)
    return None if row is None else StationDefinition(**dict(row) | {"definition": msgspec.json.decode(row[-1])})
