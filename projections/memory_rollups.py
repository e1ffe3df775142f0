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


async def _upsert_rollups(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    return await _upsert(session, "process_rollups", _KEY, columns)


async def _upsert_totals(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    return await _upsert(session, "process_totals", _KEY[:-1], columns)


async def _upsert(session: "Session", name: str, key_columns: Sequence[str], columns: Sequence[Any]) -> list[Row]:
    table = getattr(session.tables, name)
    for values in zip(*columns, strict=True):
        row = dict(zip((*key_columns, *_SUMS, "durations", "duration_counts"), values, strict=True))
        row |= {column: _numbers(row[column]) for column in ("durations", "duration_counts")}
        key = tuple(row[column] for column in key_columns)
        await session.lock((name, *key))
        old = table.get(key)
        session.change(table, key, row if old is None else _merged(old, row))
    return []


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.strip("{}").split(",") if one]


def _merged(old: Row, new: Row) -> Row:
    durations: Counter[int] = Counter()
    for row in (old, new):
        for ms, count in zip(row["durations"], row["duration_counts"], strict=True):
            durations[ms] += count
    merged = {"durations": sorted(durations), "duration_counts": [durations[ms] for ms in sorted(durations)]}
    return old | {name: old[name] + new[name] for name in _SUMS} | merged


STATEMENTS: dict[str, Callable[..., Awaitable[list[Row]]]] = {
    process_rollups._UPSERT: _upsert_rollups,  # noqa: SLF001
    process_rollups._UPSERT_TOTALS: _upsert_totals,  # noqa: SLF001
}
"""By their text."""
