"""JSON to PostgreSQL and back.

A parameter goes out as text, and PostgreSQL reads it as what the statement wants there: a number, a time, a UUID.  So
``"2026-11-21T02:00:00Z"`` is a moment where one is compared with moments, and nothing needs a cast.  What comes back is
JSON: numbers (``numeric`` too), times as RFC 3339 in UTC, intervals as ISO 8601, all else as PostgreSQL writes it.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

SESSION = {
    "application_name": "weir-actions",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "idle_in_transaction_session_timeout": "60000",
}
"""Parameters of the connections."""


def _number(text: str) -> int | float | None:
    """JSON has no NaN and no infinity."""
    value = Decimal(text)
    if not value.is_finite():
        return None
    whole = int(value) if value == value.to_integral_value() else None
    if whole is not None and abs(whole) < 2**63:
        return whole
    return number if math.isfinite(number := float(value)) else None


def _float(text: str) -> float | None:
    return number if math.isfinite(number := float(text)) else None


def _moment(text: str) -> str:
    """``2026-11-21 02:00:00.5+00``; what lies beyond a calendar's years stays as it is."""
    day, space, time = text.partition(" ")
    if not space or " " in time:
        return text
    return f"{day}T{time.removesuffix('+00')}Z" if time.endswith("+00") else f"{day}T{time}"


def _same(text: str) -> str:
    return text


_DECODERS: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: text == "t",
    "int2": int,
    "int4": int,
    "int8": int,
    "oid": int,
    "float4": _float,
    "float8": _float,
    "numeric": _number,
    "json": orjson.loads,
    "jsonb": orjson.loads,
    "timestamp": _moment,
    "timestamptz": _moment,
}
_TEXTS = (
    *("text", "varchar", "bpchar", "name", "date", "time", "timetz", "interval", "uuid", "inet", "cidr", "macaddr"),
    *("macaddr8", "money", "bytea", "xml", "bit"),
)


async def prepare_values(connection: asyncpg.Connection) -> None:
    """Have ``connection`` take and yield JSON."""
    for name in ("json", "jsonb"):
        await _set(connection, name, _json_text, orjson.loads)
    for name, decoder in _DECODERS.items():
        if name not in ("json", "jsonb"):
            await _set(connection, name, _text, decoder)
    for name in _TEXTS:
        await _set(connection, name, _text, _same)


async def _set(
    connection: asyncpg.Connection, name: str, encoder: Callable[[Any], str], decoder: Callable[[str], Any]
) -> None:
    await connection.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="text")


def row_of(record: asyncpg.Record) -> dict[str, Any]:
    """A row as JSON."""
    return {name: _json(value) for name, value in record.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return orjson.dumps(value).decode()


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _json(value: Any) -> Any:
    """What no codec of ours has decoded: arrays, points and other types."""
    if value is None or isinstance(value, str | int | float | dict):
        return value
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return str(value)
