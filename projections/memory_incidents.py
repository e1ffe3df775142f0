"""The simulated database's table ``incidents``, and the projector's statements on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from projections.tables import incidents
from projections.tables.incidents import Resolution
from projections.tables.incidents import Row as Incident

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]


async def _insert(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    table = session.tables.incidents
    for values in zip(*columns, strict=True):
        incident = Incident(*values)
        key = (incident.instance_id, incident.seq)
        await session.lock(("incidents", *key))
        if key in table:
            raise asyncpg.UniqueViolationError(f"duplicate key value violates unique constraint: {key}")
        session.change(table, key, msgspec.structs.asdict(incident))
    return []


async def _resolve(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    table = session.tables.incidents
    for values in zip(*columns, strict=True):
        resolution = Resolution(*values)
        for key in [key for key, row in table.items() if resolution.ends(Incident(**row))]:
            await session.lock(("incidents", *key))
            if resolution.ends(Incident(**table[key])):  # asked once more, of the row as it is after the wait
                ended = {"resolved_at": resolution.at, "resolution": resolution.how}
                session.change(table, key, table[key] | ended)
    return []


STATEMENTS: dict[str, Callable[..., Awaitable[list[Row]]]] = {
    incidents._INSERT: _insert,  # noqa: SLF001
    incidents._RESOLVE: _resolve,  # noqa: SLF001
}
"""By their text."""
