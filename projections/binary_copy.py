"""Rows in PostgreSQL's binary COPY format, packed by hand: JSON passes through as the bytes that came from Kafka.

Format: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 (File Formats, Binary Format).  A field is
its length as int32, then that many bytes; a null is the length -1.  A ``jsonb`` field is the byte 1 (its version), then
text.  A ``timestamptz`` is int64 microseconds since 2000-01-01T00:00Z.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct

import asyncpg

NULL = b"\xff\xff\xff\xff"
COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
EPOCH_UNIX_US = 946_684_800_000_000
"""Unix microseconds of PostgreSQL's epoch."""

_length = Struct(">i").pack
jsonb_head = Struct(">ib").pack
"""What comes before the text of a ``jsonb`` field: its length with the version, and the version, 1."""


def text(value: str) -> bytes:
    """A ``text`` field."""
    raw = value.encode()
    return _length(len(raw)) + raw


name = lru_cache(maxsize=8192)(text)
"""A ``text`` field for values that recur: types, ids of definitions and activities."""


def jsonb(raw: bytes) -> bytes:
    """A ``jsonb`` field from JSON text."""
    return jsonb_head(len(raw) + 1, 1) + raw


def microseconds(moment: datetime) -> int:
    """An aware ``datetime`` as a ``timestamptz`` has it."""
    return (moment - _EPOCH) // _MICROSECOND


async def copy_rows(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append packed rows; each begins with its count of fields as int16."""
    data = bytearray(COPY_START)
    data += b"".join(rows)
    data += COPY_END
    await connection.copy_to_table(table, source=data, columns=columns, format="binary")
