"""``incidents``: the rows that an instance must have, from its events alone.

This says again what ``projections.tables.incidents`` writes and resolves from batches of events.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from streams.core.durations import instant
from streams.core.events import Event
from streams.core.ids import started_at_ms
from weir.verify.canonical import differing, digest
from weir.verify.report import Difference

QUERY = """
    SELECT instance_id::text, seq, started_at, definition_id, definition_version, type, stopped, activity_id, token,
           error_type, message, created_at, resolved_at, resolution
    FROM incidents
"""
OPENS = frozenset({"failed", "timed_out", "incident_created"})
ENDS = {
    "retried": "retried",
    "incident_resolved": "retried",
    "activity_cancelled": "cancelled",
    "cancelled": "cancelled",
}


class IncidentRow(msgspec.Struct):
    """One row; the fields are the columns."""

    instance_id: str
    seq: int
    started_at: datetime
    definition_id: str
    definition_version: int
    type: str
    stopped: str
    activity_id: str | None
    token: str | None
    error_type: str
    message: str
    created_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None

    @property
    def digest(self) -> int:
        """Equal for equal rows."""
        return digest(msgspec.structs.astuple(self))


def incident_row(row: Any) -> IncidentRow:
    """A row of ``QUERY``."""
    return IncidentRow(**dict(row))


def opened(event: Event) -> IncidentRow:
    """The row that an event of ``OPENS`` makes."""
    data = event.data
    error_type = data.get("error_type", "timeout")
    if event.type == "timed_out":
        type_ = "timeout"
    elif event.activity_id is not None:
        type_ = "activity"
    else:
        type_ = {"incident": "poison", "limit": "limit"}.get(error_type, "process")
    return IncidentRow(
        str(UUID(event.subject)),
        event.seq,
        instant(started_at_ms(event.subject)),
        event.definition_id,
        event.definition_version,
        type_,
        "token" if event.type == "incident_created" else "instance",
        event.activity_id,
        event.token,
        error_type,
        data["error"],
        event.time,
    )


def resolved(open_rows: Iterable[IncidentRow], event: Event) -> list[IncidentRow]:
    """Those of the instance's open rows that an event of ``ENDS`` ends, as they are then."""
    ended = [row for row in open_rows if _ends(event, row)]
    for row in ended:
        row.resolved_at, row.resolution = event.time, ENDS[event.type]
    return ended


def _ends(event: Event, row: IncidentRow) -> bool:
    match event.type:
        case "cancelled":
            return True
        case "retried":
            return row.stopped == "instance"
        case _:
            return row.stopped == "token" and row.token == event.token


def compare_incidents(
    subject: str, expected: Mapping[int, IncidentRow], found: Iterable[IncidentRow]
) -> list[Difference]:
    """The rows of one instance's incidents, column by column."""
    rows = {row.seq: row for row in found}
    differences = []
    for seq in sorted(expected.keys() | rows.keys()):
        one, other = expected.get(seq), rows.get(seq)
        if one is None or other is None:
            what, has = ("none", "has one") if one is None else ("one", "has none")
            differences.append(Difference("incident", subject, seq, f"row: expected {what}, but incidents {has}"))
        elif one.digest != other.digest:
            ways = differing(msgspec.to_builtins(one), msgspec.to_builtins(other))
            told = (f"{name}: expected {value}, but incidents has {wrong}" for name, value, wrong in ways)
            differences.append(Difference("incident", subject, seq, "; ".join(told)))
    return differences
