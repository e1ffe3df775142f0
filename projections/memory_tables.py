"""The tables of the simulated database, and the statements on them: one function each, by their text."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from struct import Struct
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import msgspec

from projections import (
    memory_activities,
    memory_incidents,
    memory_outbox,
    memory_rollups,
    memory_station,
    memory_tasks,
    positions,
)
from projections.binary_copy import COPY_START
from projections.tables import (
    audit_log,
    definition_activations,
    process_definitions,
    process_history,
    process_instances,
    telemetry,
)
from streams import database

Row = dict[str, Any]
Key = tuple[Any, ...]
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_COUNT, _LENGTH = Struct(">h").unpack_from, Struct(">i").unpack_from


@dataclass
class Tables:
    """Rows by their primary or unique key."""

    projection_positions: dict[Key, int] = field(default_factory=dict)
    """(topic, topic id, partition) → position."""
    activity_rollups: dict[Key, Row] = field(default_factory=dict)
    audit_log: dict[Key, Row] = field(default_factory=dict)
    definition_activations: dict[Key, Row] = field(default_factory=dict)
    incidents: dict[Key, Row] = field(default_factory=dict)
    process_definitions: dict[Key, Row] = field(default_factory=dict)
    process_history: dict[Key, Row] = field(default_factory=dict)
    process_instances: dict[Key, Row] = field(default_factory=dict)
    process_rollups: dict[Key, Row] = field(default_factory=dict)
    process_totals: dict[Key, Row] = field(default_factory=dict)
    tasks: dict[Key, Row] = field(default_factory=dict)
    telemetry: dict[Key, Row] = field(default_factory=dict)
    station: memory_station.Tables = field(default_factory=memory_station.Tables)
    outbox: memory_outbox.Outbox = field(default_factory=memory_outbox.Outbox)


class Session(Protocol):
    """Whoever runs a statement."""

    @property
    def tables(self) -> Tables: ...

    def change(self, table: dict[Any, Any], key: Any, row: Any) -> None:
        """Set a row; a rollback takes it back."""
        ...

    def committed(self, table: dict[Any, Any], key: Any) -> Any:
        """The row as this session may see it."""
        ...

    def remove(self, table: dict[Any, Any], key: Any) -> None:
        """Delete a row; a rollback brings it back."""
        ...

    def rows(self, table: dict[Any, Any]) -> Mapping[Any, Any]:
        """All rows that this session may see; not to be changed."""
        ...

    async def lock(self, key: Key) -> None:
        """Wait until no other transaction has the row."""
        ...

    def try_lock(self, row: Key) -> bool:
        """Whether no other transaction has the row: then this one does."""
        ...

    def try_advisory_lock(self, number: int) -> bool:
        """Whether no other session has it: then this one does until it ends."""
        ...

    def notify(self, channel: str) -> None:
        """Tell those who listen to it, when the transaction has committed."""
        ...

    def end_stopped(self, application: str, after_s: float) -> list[int]:
        """End other sessions whose transactions have been open for longer; returns what stands for their pids."""
        ...


# ---- positions


def _ids(session: Session, topic: str) -> list[Row]:
    table = session.tables.projection_positions
    found = {key[1] for key in table if key[0] == topic and session.committed(table, key) is not None}
    return [{"topic_id": topic_id} for topic_id in sorted(found)]


def _positions(session: Session, topic: str, topic_id: str, partitions: Sequence[int]) -> list[Row]:
    table = session.tables.projection_positions
    found = {partition: session.committed(table, (topic, topic_id, partition)) for partition in partitions}
    return [{"partition": partition, "position": at} for partition, at in found.items() if at is not None]


async def _insert_positions(session: Session, topic: str, topic_id: str, partitions: Sequence[int]) -> list[Row]:
    table = session.tables.projection_positions
    for partition in partitions:
        key = (topic, topic_id, partition)
        await session.lock(key)
        if key not in table:
            session.change(table, key, 0)
    return []


async def _move(session: Session, topic: str, partition: int, old: int, new: int) -> list[Row]:
    table, moved = session.tables.projection_positions, []
    for key in [key for key in table if key[0] == topic and key[2] == partition]:
        if session.committed(table, key) == old:
            await session.lock(key)
            if table.get(key) == old:  # asked once more, of the row as it is after the wait
                session.change(table, key, new)
                moved.append({"bool": True})
    return moved


def _position(session: Session, topic: str, partition: int) -> list[Row]:
    table = session.tables.projection_positions
    found = [session.committed(table, key) for key in table if key[0] == topic and key[2] == partition]
    return [{"max": max((at for at in found if at is not None), default=None)}]


# ---- rows


async def _upsert_definitions(session: Session, *columns: Sequence[Any]) -> list[Row]:
    for id_, version, name, definition, hash_, created_at, source, origin in zip(*columns, strict=True):
        row = {"id": id_, "version": version, "name": name, "definition": definition}
        row |= {"hash": hash_, "created_at": created_at, "source": source, "origin": origin}
        await session.lock(("process_definitions", id_, version))
        session.change(session.tables.process_definitions, (id_, version), row)
    return []


_ACTIVATION_COLUMNS = ("id", "active", "off", "reason", "pruned", "retired", "changed_at")


async def _upsert_activation(session: Session, *values: Any) -> list[Row]:
    row = dict(zip(_ACTIVATION_COLUMNS, values, strict=True))
    await session.lock(("definition_activations", row["id"]))
    session.change(session.tables.definition_activations, (row["id"],), row)
    return []


_INSTANCE_COLUMNS = (
    "id", "started_at", "definition_id", "definition_version", "status", "status_since", "business_key",
    "current_activity", "variables", "error", "steps", "last_seq", "updated_at", "completed_at",
    "reference", "steps_completed", "trigger",
)  # fmt: skip


async def _upsert_instances(session: Session, *columns: Sequence[Any]) -> list[Row]:
    table, orphans = session.tables.process_instances, []
    for values in zip(*columns, strict=True):
        new = dict(zip(_INSTANCE_COLUMNS, values, strict=True))
        key = (new["id"], new["started_at"])
        await session.lock(("process_instances", *key))
        old = table.get(key)
        row = new if old is None else _merged(old, new)
        session.change(table, key, row)
        if row["status_since"] is None:
            orphans.append({"id": row["id"]})
    return orphans


def _merged(old: Row, new: Row) -> Row:
    """What ``ON CONFLICT DO UPDATE`` says, column by column."""
    changed = new["status_since"] is not None
    variables = msgspec.json.decode(old["variables"]) | msgspec.json.decode(new["variables"])
    return {
        "id": old["id"],
        "started_at": old["started_at"],
        "definition_id": new["definition_id"],
        "definition_version": new["definition_version"],
        "status": new["status"] if changed else old["status"],
        "status_since": new["status_since"] if changed else old["status_since"],
        "completed_at": new["completed_at"] if changed else old["completed_at"],
        "error": new["error"] if changed else old["error"],
        "business_key": old["business_key"] if new["business_key"] is None else new["business_key"],
        "reference": old["reference"] if new["reference"] is None else new["reference"],
        "current_activity": None
        if new["status"] == "completed"
        else new["current_activity"] or old["current_activity"],
        "variables": msgspec.json.encode(variables).decode(),
        "steps": old["steps"] + new["steps"],
        "steps_completed": old["steps_completed"] + new["steps_completed"],
        "trigger": old["trigger"] if new["trigger"] is None else new["trigger"],
        "last_seq": new["last_seq"],
        "updated_at": new["updated_at"],
    }


def _end_stopped(session: Session, application: str, after_s: float) -> list[Row]:
    return [{"pid": pid} for pid in session.end_stopped(application, after_s)]


STATEMENTS: dict[str, Callable[..., list[Row] | Awaitable[list[Row]]]] = {
    positions._IDS: _ids,  # noqa: SLF001
    positions._READ: _positions,  # noqa: SLF001
    positions._INSERT: _insert_positions,  # noqa: SLF001
    positions._MOVE: _move,  # noqa: SLF001
    positions._POSITION: _position,  # noqa: SLF001
    definition_activations._UPSERT: _upsert_activation,  # noqa: SLF001
    process_definitions._UPSERT: _upsert_definitions,  # noqa: SLF001
    process_instances._UPSERT: _upsert_instances,  # noqa: SLF001
    **memory_activities.STATEMENTS,
    **memory_incidents.STATEMENTS,
    **memory_outbox.STATEMENTS,
    **memory_rollups.STATEMENTS,
    **memory_station.STATEMENTS,
    **memory_tasks.STATEMENTS,
    database._END_STOPPED: _end_stopped,  # noqa: SLF001
}
"""By their text."""


# ---- COPY


def _timestamp(raw: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=int.from_bytes(raw, "big", signed=True))


def _integer(raw: bytes) -> int:
    return int.from_bytes(raw, "big", signed=True)


def _jsonb(raw: bytes) -> str:
    if raw[:1] != b"\x01":
        raise asyncpg.InvalidBinaryRepresentationError("unsupported jsonb version number")
    try:
        msgspec.json.decode(raw[1:])
    except msgspec.DecodeError as error:
        raise asyncpg.InvalidTextRepresentationError("invalid input syntax for type json") from error
    return _text(raw[1:])


def _text(raw: bytes) -> str:
    if b"\0" in raw or b"\\u0000" in raw:
        raise asyncpg.UntranslatableCharacterError("unsupported Unicode escape sequence")
    return raw.decode()


def _uuid(raw: bytes) -> UUID:
    return UUID(bytes=raw)


@dataclass(frozen=True)
class _Copied:
    """A table that rows are copied into: how each column is read, and its unique key."""

    types: dict[str, Callable[[bytes], Any]]
    unique: tuple[str, ...]


_COPIED = {
    "audit_log": _Copied(
        dict(
            zip(
                audit_log.COLUMNS,
                (_timestamp, *[_integer] * 3, *[_text] * 10, _uuid, _text, *[_jsonb] * 3),
                strict=True,
            )
        ),
        ("time", "topic", "record_partition", "record_offset"),
    ),
    "process_history": _Copied(
        dict(
            zip(
                process_history.COLUMNS,
                (_timestamp, _uuid, _integer, _integer, _text, _text, _text, _text, _text, _text, _jsonb),
                strict=True,
            )
        ),
        ("instance_id", "seq", "timestamp"),
    ),
    "telemetry": _Copied(
        dict(
            zip(
                telemetry.COLUMNS,
                (_timestamp, _timestamp, _integer, _integer, _text, _text, _jsonb, _jsonb),
                strict=True,
            )
        ),
        ("time", "topic", "record_partition", "record_offset"),
    ),
}


async def copy(session: Session, name: str, columns: Sequence[str], data: bytes) -> None:
    """Insert rows.  Raises ``UniqueViolationError``, ``DataError``."""
    target, table = _COPIED[name], getattr(session.tables, name)
    decoders = [target.types[column] for column in columns]
    for values in _fields(data):
        row = {
            column: None if raw is None else decode(raw)
            for column, decode, raw in zip(columns, decoders, values, strict=True)
        }
        key = tuple(row[column] for column in target.unique)
        await session.lock((name, *key))
        if key in table:
            raise asyncpg.UniqueViolationError(f"duplicate key value violates unique constraint: {key}")
        session.change(table, key, row)


def _fields(data: bytes) -> Iterator[list[bytes | None]]:
    """The fields of each row.  Raises ``BadCopyFileFormatError``."""
    at = len(COPY_START)
    if data[:at] != COPY_START:
        raise asyncpg.BadCopyFileFormatError("COPY file signature not recognized")
    while (count := _COUNT(data, at)[0]) >= 0:
        at += 2
        row: list[bytes | None] = []
        for _ in repeat(None, count):
            (length,) = _LENGTH(data, at)
            at += 4
            if length < 0:
                row.append(None)
            else:
                row.append(data[at : at + length])
                at += length
        yield row
