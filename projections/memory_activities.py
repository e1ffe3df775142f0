"""The simulated database's table ``activity_rollups``, and the projector's statements on it and for it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from projections.tables import activity_rollups
from projections.tables.activity_rollups import AT_A_PLACE, BEGINS, COUNTS

if TYPE_CHECKING:
    from projections.memory_tables import Session

Row = dict[str, Any]
_KEY = ("partition", "definition_id", "activity_id", "hour")
_SUMS = (*COUNTS, "duration_ms")
_LISTS = (("durations", "duration_counts"), ("error_types", "error_counts"))
_COLUMNS = (*_KEY, *_SUMS, *(name for pair in _LISTS for name in pair))


async def _upsert(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    table = session.tables.activity_rollups
    for values in zip(*columns, strict=True):
        row = dict(zip(_COLUMNS, values, strict=True))
        row["error_types"] = msgspec.json.decode(row["error_types"])
        row |= {name: _numbers(row[name]) for name in ("durations", "duration_counts", "error_counts")}
        key = tuple(row[name] for name in _KEY)
        await session.lock(("activity_rollups", *key))
        old = table.get(key)
        session.change(table, key, row if old is None else _merged(old, row))
    return []


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.strip("{}").split(",") if one]


def _merged(old: Row, new: Row) -> Row:
    merged = old | {name: old[name] + new[name] for name in _SUMS}
    for names, counts in _LISTS:
        total: Counter[Any] = Counter()
        for row in (old, new):
            total.update(dict(zip(row[names], row[counts], strict=True)))
        merged |= {names: sorted(total), counts: [total[name] for name in sorted(total)]}
    return merged


def _since(session: "Session", *asked: Any) -> list[Row]:
    """Backwards through the history, since what is asked for mostly ended soon after it began."""
    *columns, _, _, _ = asked
    wanted = list(zip(*columns, strict=True))
    at_place: dict[tuple[Any, ...], list[int]] = {}
    numbered: dict[tuple[Any, ...], list[int]] = {}
    for n, (instance_id, _, _, _, activity_id, token, execution) in enumerate(wanted):
        at_place.setdefault((instance_id, activity_id, token), []).append(n)
        numbered.setdefault((instance_id, execution), []).append(n)
    last: dict[int, Row] = {}
    others: dict[int, datetime] = {}
    for row in reversed(session.tables.process_history.values()):
        if row["event_type"] not in AT_A_PLACE:
            continue
        for n in at_place.get((row["instance_id"], row["activity_id"], row["token"]), ()):
            if row["seq"] < wanted[n][1]:
                last.setdefault(n, row)
        if row["event_type"] == BEGINS:
            execution = msgspec.json.decode(row["data"])["execution"]
            for n in numbered.get((row["instance_id"], execution), ()):
                others[n] = row["timestamp"]
        if len(last) == len(wanted) and all(_is_found(row, n in others, wanted[n]) for n, row in last.items()):
            break
    return [
        {"since": last[n]["timestamp"] if n in last and last[n]["event_type"] == BEGINS else others.get(n)}
        for n in range(len(wanted))
    ]


def _is_found(row: Row, is_numbered: bool, one: tuple[Any, ...]) -> bool:
    return row["event_type"] == BEGINS or is_numbered or one[-1] is None


STATEMENTS: dict[str, Callable[..., list[Row] | Awaitable[list[Row]]]] = {
    activity_rollups._UPSERT: _upsert,  # noqa: SLF001
    activity_rollups._SINCE: _since,  # noqa: SLF001
}
"""By their text."""
