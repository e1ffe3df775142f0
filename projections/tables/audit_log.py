"""``audit_log``: one row a write that the gateway was asked for, by binary COPY."""

from collections.abc import Sequence
from struct import Struct
from typing import Any

import asyncpg
import msgspec

from projections.binary_copy import NULL, copy_rows, jsonb, microseconds, name, text
from projections.feeds.audit import Audited
from projections.tables.base import Projection, Table

COLUMNS = (
    "time",
    "record_partition",
    "record_offset",
    "status",
    "topic",
    "id",
    "principal",
    "kind",
    "method",
    "route",
    "target",
    "request_id",
    "address",
    "command_id",
    "instance_id",
    "cause",
    "request",
    "before",
    "after",
)
# The first four have a fixed length: int64, int32, int64, int32.
_fixed = Struct(">hiqiiiqii").pack
_uuid = Struct(">i16s").pack


def build(items: Sequence[Audited]) -> list[bytes]:
    """One packed row a write."""
    return [
        b"".join(
            (
                _fixed(len(COLUMNS), 8, microseconds(r.time), 4, partition, 8, offset, 4, r.status),
                name(topic),
                text(r.id),
                _short(r.principal),
                name(r.kind),
                name(r.method),
                _short(r.route),
                _text(r.target),
                text(r.request_id),
                _short(r.address),
                _text(r.command_id),
                NULL if instance is None else _uuid(16, instance),
                _text(r.cause),
                _json(r.request),
                _json(r.before),
                _json(r.after),
            )
        )
        for r, instance, topic, partition, offset in items
    ]


def _text(value: str | None) -> bytes:
    return NULL if value is None else text(value)


def _short(value: str | None) -> bytes:
    return NULL if value is None else name(value)


def _json(value: Any) -> bytes:
    return NULL if value is None else jsonb(msgspec.json.encode(value))


async def write(connection: asyncpg.Connection, rows: list[bytes]) -> None:
    """Append.  A row that is already there is an error: the positions keep records from coming twice."""
    if rows:
        await copy_rows(connection, "audit_log", COLUMNS, rows)


TABLE = Table("audit_log", "projected", Projection("audit", build, write))
