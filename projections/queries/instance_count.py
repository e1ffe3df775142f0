"""How many instances are there?  Counted up to a limit."""

import asyncpg
import msgspec

from projections.instance_filter import InstanceFilter, Parameters, selects

CAP = 10_000


class Total(msgspec.Struct, frozen=True):
    """``total`` is exact, unless ``is_estimate``: then there are more."""

    total: int
    is_estimate: bool


async def instance_count(connection: asyncpg.Connection, wanted: InstanceFilter, cap: int = CAP) -> Total:
    """How many meet all conditions; of more than ``cap`` no more than that is told."""
    query, values = statement(wanted, cap)
    found = await connection.fetchval(query, *values)
    return Total(min(found, cap), found > cap)


def statement(wanted: InstanceFilter, cap: int) -> tuple[str, list[object]]:
    """The question in SQL, and its values."""
    parameter = Parameters()
    conditions = wanted.conditions(parameter)
    tail = f"LIMIT {parameter(cap + 1)}"
    query = selects(wanted, "1", conditions, parameter, tail)
    return f"SELECT count(*) FROM (SELECT FROM ({query}) AS each {tail}) AS counted", parameter.values  # noqa: S608
