"""``process_history``: one row an event of an instance, by binary COPY, ``data`` as the bytes of the event."""

from collections.abc import Sequence
from struct import Struct

import asyncpg

from projections.binary_copy import NULL, copy_rows, jsonb_head, microseconds, name, text
from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table

COLUMNS = (
    "timestamp",
    "instance_id",
    "seq",
    "definition_version",
    "event_type",
    "definition_id",
    "activity_id",
    "cause",
    "message",
    "token",
    "data",
)
# Eleven fields, of which the first four have a fixed length: int64, 16 bytes, int32, int32.
_fixed = Struct(">hiqi16siiii").pack


def build(items: Sequence[InstanceEvent]) -> list[bytes]:
    """One packed row an event."""
    rows: list[bytes] = []
    moment, us = None, 0
    cause, cause_field = None, b""
    for instance, event in items:
        if event.time != moment:  # events of one command share their time, and their cause
            moment, us = event.time, microseconds(event.time)
        if event.cause != cause:
            cause, cause_field = event.cause, text(event.cause)
        rows.append(
            b"".join(
                (
                    _fixed(len(COLUMNS), 8, us, 16, instance, 4, event.seq, 4, event.definition_version),
                    name(event.type),
                    name(event.definition_id),
                    NULL if event.activity_id is None else name(event.activity_id),
                    cause_field,
                    NULL if event.message is None else text(event.message),
                    NULL if event.token is None else name(event.token),
                    jsonb_head(len(event.data) + 1, 1),
                    event.data,
                )
            )
        )
    return rows


async def write(connection: asyncpg.Connection, rows: list[bytes]) -> None:
    """Append.  A row that is already there is an error: the positions keep records from coming twice."""
    if rows:
        await copy_rows(connection, "process_history", COLUMNS, rows)


TABLE = Table("process_history", "projected", Projection("events", build, write))
