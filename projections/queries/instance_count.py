"""How many instances are there?

By definition, version, status and whole hours of the start the projector's counts tell it exactly, whatever there is;
for anything else instances are counted up to a limit.
"""

from datetime import UTC, datetime

import asyncpg
import msgspec

from projections.instance_filter import InstanceFilter, selects
from projections.statements import Parameters, conditions_of
from streams.core.state import STATUSES

CAP = 10_000


class Total(msgspec.Struct, frozen=True):
    """``total`` is exact, unless ``is_estimate``: then there are more."""

    total: int
    is_estimate: bool


async def instance_count(connection: asyncpg.Connection, wanted: InstanceFilter, cap: int = CAP) -> Total:
    """How many meet all conditions; of more than ``cap`` no more is told, unless the projector counts them."""
    query, values = statement(wanted, cap)
    found = await connection.fetchval(query, *values)
    if found > cap and (exactly := counted(wanted)) is not None:
        return Total(await connection.fetchval(exactly[0], *exactly[1]), False)
    return Total(min(found, cap), found > cap)


def counted(wanted: InstanceFilter) -> tuple[str, list[object]] | None:
    """The question to the counts, and its values; ``None`` where they do not tell."""
    bounds = (wanted.started_from, wanted.started_to)
    if not wanted.by_counts or any(at is not None and at.astimezone(UTC) != _hour(at) for at in bounds):
        return None
    parameter = Parameters()
    asked: list[tuple[str, object]] = [
        ("definition_id = {}", wanted.definition_id),
        ("definition_version = {}", wanted.version),
        ("hour >= {}", wanted.started_from),
        ("hour < {}", wanted.started_to),
    ]
    conditions = conditions_of(asked, parameter)
    columns = " + ".join(dict.fromkeys(wanted.status or STATUSES))
    table = "process_totals" if bounds == (None, None) else "process_rollups"
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT coalesce(sum({columns}), 0)::bigint FROM {table} {where}", parameter.values  # noqa: S608


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def statement(wanted: InstanceFilter, cap: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter = Parameters()
    conditions = wanted.conditions(parameter)
    tail = f"LIMIT {parameter(cap + 1)}"
    query = selects(wanted, "1", conditions, parameter, tail)
    return f"SELECT count(*) FROM (SELECT FROM ({query}) AS each {tail}) AS counted", parameter.values  # noqa: S608
