"""The simulated database's tables ``process_rollups`` and ``process_totals``, and the statements on them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from projections.tables import process_rollups
from streams.core.state import STATUSES

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]
_KEY = ("partition", "definition_id", "definition_version", "hour")
_SUMS = (*STATUSES, "duration_ms")
Counted = tuple[tuple[str, str], ...]
"""Pairs of columns that are lists: what was counted, ascending, and how often each came."""
DURATIONS: Counted = (("durations", "duration_counts"),)


async def _upsert_rollups(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    return await upsert(session, "process_rollups", _KEY, _SUMS, columns)


async def _upsert_totals(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    return await upsert(session, "process_totals", _KEY[:-1], _SUMS, columns)


async def upsert(
    session: "Session",
    name: str,
    key_columns: Sequence[str],
    sums: Sequence[str],
    columns: Sequence[Any],
    counted: Counted = DURATIONS,
) -> list[Row]:
    """Add to rows of the table ``name``: to its ``sums``, and to what each pair of ``counted`` lists.

    ``columns`` are of the key, of the sums, of the lists, in this order.
    """
    table = getattr(session.tables, name)
    lists = [column for pair in counted for column in pair]
    for values in zip(*columns, strict=True):
        row = dict(zip((*key_columns, *sums, *lists), values, strict=True))
        row |= {column: _elements(row[column]) for column in lists}
        key = tuple(row[column] for column in key_columns)
        await session.lock((name, *key))
        old = table.get(key)
        session.change(table, key, row if old is None else _merged(old, row, sums, counted))
    return []


def _elements(given: str | list[str]) -> list[Any]:
    """Of an array: texts as they are, numbers as PostgreSQL writes them."""
    return [int(one) for one in given.strip("{}").split(",") if one] if isinstance(given, str) else given


def _merged(old: Row, new: Row, sums: Sequence[str], counted: Counted) -> Row:
    merged = old | {name: old[name] + new[name] for name in sums}
    for names, counts in counted:
        total: Counter[Any] = Counter()
        for row in (old, new):
            total.update(dict(zip(row[names], row[counts], strict=True)))
        merged |= {names: sorted(total), counts: [total[name] for name in sorted(total)]}
    return merged


STATEMENTS: dict[str, Callable[..., Awaitable[list[Row]]]] = {
    process_rollups._UPSERT: _upsert_rollups,  # noqa: SLF001
    process_rollups._UPSERT_TOTALS: _upsert_totals,  # noqa: SLF001
}
"""By their text."""
