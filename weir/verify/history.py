"""``process_history``: the row that an event must have, and its digest."""

from typing import Any

import msgspec

from streams.core.events import Event
from weir.verify.canonical import canonical, digest

COLUMNS = (
    "instance_id",
    "seq",
    "timestamp",
    "event_type",
    "activity_id",
    "message",
    "definition_id",
    "definition_version",
    "cause",
    "token",
    "data",
)


def event_digest(event: Event) -> int:
    """Of the row that the event must have."""
    return digest(
        (
            event.seq,
            event.time,
            event.type,
            event.activity_id,
            event.message,
            event.definition_id,
            event.definition_version,
            event.cause,
            event.token,
            canonical(event.data),
        )
    )


def row_digest(row: Any) -> int:
    """Of a row as ``database.HISTORY`` asks for it: equal to that of the event that it came from."""
    return digest((*row[1:10], canonical(msgspec.json.decode(row[10]))))


def event_fields(event: Event) -> dict[str, Any]:
    """The columns of an event's row, but for its identity."""
    return {
        "timestamp": event.time.isoformat(),
        "event_type": event.type,
        "activity_id": event.activity_id,
        "message": event.message,
        "definition_id": event.definition_id,
        "definition_version": event.definition_version,
        "cause": event.cause,
        "token": event.token,
        "data": event.data,
    }


def row_fields(row: Any) -> dict[str, Any]:
    """The same of a row that was found."""
    fields = dict(row) | {"timestamp": row["timestamp"].isoformat(), "data": msgspec.json.decode(row["data"])}
    return {name: value for name, value in fields.items() if name not in {"instance_id", "seq"}}
