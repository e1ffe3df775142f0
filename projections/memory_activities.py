"""The simulated database's table ``activity_rollups``, and the projector's statements on it and for it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from projections.memory_rollups import DURATIONS, Row, upsert
from projections.tables import activity_rollups
from projections.tables.activity_rollups import AT_A_PLACE, BEGINS, COUNTS

if TYPE_CHECKING:
    from projections.memory_tables import Session

_KEY = ("partition", "definition_id", "activity_id", "hour")
_SUMS = (*COUNTS, "duration_ms")
_COUNTED = (*DURATIONS, ("error_types", "error_counts"))


async def _upsert(session: "Session", *columns: Sequence[Any]) -> list[Row]:
    *others, types, counts = columns
    decoded = [msgspec.json.decode(one) for one in types]
    return await upsert(session, "activity_rollups", _KEY, _SUMS, [*others, decoded, counts], _COUNTED)


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
