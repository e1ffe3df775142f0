"""``telemetry``: one row a reading, by binary COPY."""

from collections.abc import Sequence
from struct import Struct

import asyncpg

from projections.binary_copy import NULL, copy_rows, jsonb, name
from projections.feeds.telemetry import Reading
from projections.tables.base import Projection, Table

COLUMNS = ("time", "arrived_at", "record_partition", "record_offset", "topic", "device_id", "tags", "fields")
# Eight fields, of which the first four have a fixed length: int64, int64, int32, int64.
_fixed = Struct(">hiqiqiiiq").pack


def build(items: Sequence[Reading]) -> list[bytes]:
    """One packed row a reading."""
    return [
        b"".join(
            (
                _fixed(len(COLUMNS), 8, r.time_us, 8, r.arrived_us, 4, r.partition, 8, r.offset),
                name(r.topic),
                NULL if r.device_id is None else name(r.device_id),
                jsonb(r.tags),
                jsonb(r.fields),
            )
        )
        for r in items
    ]


async def write(connection: asyncpg.Connection, rows: list[bytes]) -> None:
    """Append.  A row that is already there is an error: the positions keep records from coming twice."""
    if rows:
        await copy_rows(connection, "telemetry", COLUMNS, rows)


TABLE = Table("telemetry", "projected", Projection("telemetry", build, write))
