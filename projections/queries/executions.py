"""Which executions (instances) does a process have, and which steps has one?"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from projections.instance_filter import InstanceFilter
from projections.queries.instance_count import counted
from projections.statements import Parameters, conditions_of
from streams.core.durations import instant
from streams.core.ids import started_at_ms
from streams.core.state import InstanceStatus

_COLUMNS = (
    "id, process_id, process_version, triggered_by, trigger_event::text, started_at, completed_at, status,"
    " error_message, execution_time_ms, steps_completed, total_steps, business_key"
)
_ONE = f"SELECT {_COLUMNS} FROM process_executions WHERE id = $1 AND started_at = $2"  # noqa: S608  constants
_STEPS = """
    SELECT id, action_id, action_type, started_at, completed_at, status, result::text, error_message,
           execution_time_ms, retry_count
    FROM process_execution_steps WHERE execution_id = $1 AND started_at BETWEEN $2 AND $3 ORDER BY seq LIMIT $4
"""
_PENDING = """
    SELECT action_id, action_type FROM process_pending_steps WHERE execution_id = $1 AND began_at = $2 ORDER BY position
"""
MAX_STEPS = 10_000


class Execution(msgspec.Struct, frozen=True):
    """An instance.  ``trigger_event`` is what set it off, ``execution_time_ms`` is known once it has ended."""

    id: UUID
    process_id: str
    process_version: int
    triggered_by: str
    trigger_event: dict[str, Any] | None
    started_at: datetime
    completed_at: datetime | None
    status: str
    error_message: str | None
    execution_time_ms: int | None
    steps_completed: int
    total_steps: int | None
    business_key: str | None


class Step(msgspec.Struct, frozen=True):
    """An activity that was entered or skipped, or that is still to come (``pending``); ``action_id`` is its own.

    A running instance may never enter some that are pending: they are on other ways.
    """

    id: str
    action_id: str | None
    action_type: str | None
    started_at: datetime | None
    completed_at: datetime | None
    status: str
    result: Any
    error_message: str | None
    execution_time_ms: int | None
    retry_count: int


class ExecutionWithSteps(Execution, frozen=True):
    """An instance with its steps, in order; what is pending comes last."""

    steps: list[Step]


async def executions(
    connection: asyncpg.Connection,
    *,
    process_id: str | None = None,
    status: InstanceStatus | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Execution], int]:
    """A page, the newest first, and how many there are on all pages, by the projector's counts."""
    query, values = statement(process_id, status, limit, offset)
    rows = await connection.fetch(query, *values)
    exactly = counted(InstanceFilter(definition_id=process_id, status=() if status is None else (status,)))
    assert exactly is not None
    total = await connection.fetchval(exactly[0], *exactly[1])
    return [Execution(**_decoded(row, "trigger_event")) for row in rows], total


def statement(
    process_id: str | None, status: InstanceStatus | None, limit: int, offset: int
) -> tuple[str, list[object]]:
    """The list in SQL, and its values: only conditions that are asked for, so that its plan has their index."""
    parameter = Parameters()
    asked = (("process_id = {}", process_id), ("status = {}", status))
    conditions = conditions_of(asked, parameter)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    tail = f"ORDER BY started_at DESC, id DESC LIMIT {parameter(limit)}"
    if offset:
        tail = f"{tail} OFFSET {parameter(offset)}"
    return f"SELECT {_COLUMNS} FROM process_executions {where} {tail}", parameter.values  # noqa: S608


async def execution(connection: asyncpg.Connection, execution_id: str) -> ExecutionWithSteps | None:
    """The one of that id (in canonical form) with its first 10,000 steps, or ``None``."""
    id_, started_at = UUID(execution_id), instant(started_at_ms(execution_id))
    row = await connection.fetchrow(_ONE, id_, started_at)
    if row is None:
        return None
    until = await connection.fetchval(
        "SELECT updated_at FROM process_instances WHERE id = $1 AND started_at = $2", id_, started_at
    )
    steps = [
        Step(**_decoded(step, "result")) for step in await connection.fetch(_STEPS, id_, started_at, until, MAX_STEPS)
    ]
    steps += [_pending(id_, **one) for one in await connection.fetch(_PENDING, id_, started_at)]
    return ExecutionWithSteps(**_decoded(row, "trigger_event"), steps=steps)


def _pending(execution_id: UUID, action_id: str, action_type: str) -> Step:
    return Step(f"{execution_id}:{action_id}", action_id, action_type, None, None, "pending", None, None, None, 0)


def _decoded(row: asyncpg.Record, column: str) -> dict[str, Any]:
    return dict(row) | {column: None if row[column] is None else msgspec.json.decode(row[column])}
