"""``process_instances``: one row an instance, the fold of its events.

``build`` folds a batch's events to one ``Change`` an instance; ``write`` merges the changes into the table by one
upsert. The upsert finds its row through the primary key alone, so that it costs the same however many chunks there are;
a join (``UPDATE … FROM unnest``) would leave it to the planner to scan them all.

| an event of type | changes |
|---|---|
| any | ``last_seq``, ``updated_at``, ``definition_id``, ``definition_version`` |
| any that has an ``activity_id`` | ``current_activity`` |
| ``started`` | ``status``, ``business_key``, ``reference``, ``trigger``, ``variables`` |
| ``variable_changed`` | one of ``variables`` |
| ``activity_started`` | ``steps`` |
| ``activity_completed``, ``decision_evaluated``, ``timer_fired`` | ``steps_completed`` |
| ``completed``, ``failed``, ``timed_out``, ``cancelled`` | ``status``, ``completed_at``, ``error`` |
| ``suspended``, ``resumed``, ``retried`` | ``status``, ``completed_at``, ``error`` |
| ``migrated`` | ``definition_version`` |
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import asyncpg
import msgspec
import structlog
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID, made in a twentieth of the time

from projections.feeds.events import InstanceEvent
from projections.tables.base import Projection, Table
from streams.core.durations import instant
from streams.core.events import EventHead

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger(__name__)

NULL = msgspec.Raw(b"null")
Variables = dict[str, msgspec.Raw]


class Change:
    """What a batch says about one instance.

    ``status_since`` is ``None`` when the batch leaves ``status``, ``completed_at`` and ``error`` as they are.
    """

    __slots__ = (
        "activity",
        "completed_at",
        "definition_id",
        "definition_version",
        "error",
        "id",
        "key",
        "last_seq",
        "reference",
        "started_at",
        "status",
        "status_since",
        "steps",
        "steps_completed",
        "trigger",
        "updated_at",
        "variables",
    )

    def __init__(self, instance: bytes) -> None:
        self.id = UUID(instance)
        self.started_at = instant(int.from_bytes(instance[:6], "big"))
        self.status = "running"
        self.status_since: datetime | None = None
        self.completed_at: datetime | None = None
        self.error: str | None = None
        self.key: str | None = None
        self.reference: str | None = None
        self.activity: str | None = None
        self.trigger: str | None = None
        self.steps = 0
        self.steps_completed = 0
        self.variables: Variables = {}
        # Set by the first event, since every event has them.
        self.definition_id: str
        self.definition_version: int
        self.last_seq: int
        self.updated_at: datetime


class _Started(msgspec.Struct):
    key: str | None = None
    reference: str | None = None
    variables: Variables = {}
    trigger: msgspec.Raw = NULL


class _VariableChanged(msgspec.Struct):
    name: str
    value: msgspec.Raw


class _TimedOut(msgspec.Struct):
    error: str


class _Failed(msgspec.Struct):
    error_type: str
    error: str


class _Migrated(msgspec.Struct):
    to_version: int


_decode_migrated = msgspec.json.Decoder(_Migrated).decode
_decode_started = msgspec.json.Decoder(_Started).decode
_decode_variable = msgspec.json.Decoder(_VariableChanged).decode
_decode_failed = msgspec.json.Decoder(_Failed).decode
_decode_timed_out = msgspec.json.Decoder(_TimedOut).decode
_encode_json = msgspec.json.Encoder().encode


def _started(change: Change, event: EventHead) -> None:
    data = _decode_started(event.data)
    _status(change, event, "running", ended=False)
    change.key = data.key
    change.reference = data.reference
    change.variables = data.variables
    change.trigger = None if data.trigger is NULL else bytes(data.trigger).decode()


def _variable_changed(change: Change, event: EventHead) -> None:
    if event.token is not None:  # a variable of one item of a foreach, not the instance's
        return
    data = _decode_variable(event.data)
    change.variables[data.name] = data.value


def _activity_started(change: Change, _event: EventHead) -> None:
    change.steps += 1


def _step_completed(change: Change, _event: EventHead) -> None:
    change.steps_completed += 1


def _completed(change: Change, event: EventHead) -> None:
    _status(change, event, "completed", ended=True)
    change.activity = None


def _failed(change: Change, event: EventHead) -> None:
    data = _decode_failed(event.data)
    _status(change, event, "failed", ended=True)
    change.error = f"{data.error_type}: {data.error}"


def _timed_out(change: Change, event: EventHead) -> None:
    data = _decode_timed_out(event.data)
    _status(change, event, "timeout", ended=True)
    change.error = f"timeout: {data.error}"


def _cancelled(change: Change, event: EventHead) -> None:
    _status(change, event, "cancelled", ended=True)


def _suspended(change: Change, event: EventHead) -> None:
    _status(change, event, "suspended", ended=False)


def _runs_again(change: Change, event: EventHead) -> None:
    _status(change, event, "running", ended=False)


def _migrated(change: Change, event: EventHead) -> None:
    change.definition_version = _decode_migrated(event.data).to_version


def _status(change: Change, event: EventHead, status: str, *, ended: bool) -> None:
    change.status = status
    change.status_since = event.time
    change.completed_at = event.time if ended else None
    change.error = None


HANDLERS: dict[str, Callable[[Change, EventHead], None]] = {
    "started": _started,
    "variable_changed": _variable_changed,
    "activity_started": _activity_started,
    "activity_completed": _step_completed,
    "decision_evaluated": _step_completed,
    "timer_fired": _step_completed,
    "completed": _completed,
    "failed": _failed,
    "timed_out": _timed_out,
    "cancelled": _cancelled,
    "suspended": _suspended,
    "resumed": _runs_again,
    "retried": _runs_again,
    "migrated": _migrated,
}
"""Event types that change more than ``last_seq``, ``updated_at`` and ``current_activity``."""


def build(items: Sequence[InstanceEvent]) -> list[Change]:
    """One change an instance.  Raises ``msgspec.ValidationError`` for data that is not its event type's."""
    changes: dict[bytes, Change] = {}
    handler_of = HANDLERS.get
    for instance, event in items:
        change = changes.get(instance)
        if change is None:
            change = changes[instance] = Change(instance)
        if event.activity_id is not None:
            change.activity = event.activity_id
        change.definition_id = event.definition_id
        change.definition_version = event.definition_version
        if (handle := handler_of(event.type)) is not None:
            handle(change, event)
        change.last_seq = event.seq
        change.updated_at = event.time
    return list(changes.values())


# Merging: a null in `excluded` says that the batch did not change the column.  `||` replaces whole variables, which is
# what variable_changed means.
_UPSERT = """
    WITH written AS (
        INSERT INTO process_instances AS old (
            id, started_at, definition_id, definition_version, status, status_since, business_key, current_activity,
            variables, error, steps, last_seq, updated_at, completed_at, reference, steps_completed, trigger)
        SELECT id, started_at, definition_id, definition_version, status, status_since, business_key, current_activity,
               variables::jsonb, error, steps, last_seq, updated_at, completed_at, reference, steps_completed,
               trigger::jsonb
        FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[],
                    $8::text[], $9::text[], $10::text[], $11::int[], $12::int[], $13::timestamptz[], $14::timestamptz[],
                    $15::text[], $16::int[], $17::text[])
            AS new (id, started_at, definition_id, definition_version, status, status_since, business_key,
                    current_activity, variables, error, steps, last_seq, updated_at, completed_at, reference,
                    steps_completed, trigger)
        ON CONFLICT (id, started_at) DO UPDATE SET
            definition_id = excluded.definition_id,
            definition_version = excluded.definition_version,
            status = CASE WHEN excluded.status_since IS NULL THEN old.status ELSE excluded.status END,
            status_since = coalesce(excluded.status_since, old.status_since),
            completed_at = CASE WHEN excluded.status_since IS NULL THEN old.completed_at ELSE excluded.completed_at END,
            error = CASE WHEN excluded.status_since IS NULL THEN old.error ELSE excluded.error END,
            business_key = coalesce(excluded.business_key, old.business_key),
            reference = coalesce(excluded.reference, old.reference),
            current_activity = CASE WHEN excluded.status = 'completed' THEN NULL
                                    ELSE coalesce(excluded.current_activity, old.current_activity) END,
            variables = CASE WHEN excluded.variables = '{}' THEN old.variables
                             ELSE old.variables || excluded.variables END,
            steps = old.steps + excluded.steps,
            steps_completed = old.steps_completed + excluded.steps_completed,
            trigger = coalesce(excluded.trigger, old.trigger),
            last_seq = excluded.last_seq,
            updated_at = excluded.updated_at
        RETURNING id, status_since
    )
    SELECT id FROM written WHERE status_since IS NULL
"""


async def write(connection: asyncpg.Connection, rows: list[Change]) -> None:
    """Insert what started, merge the rest."""
    if not rows:
        return
    orphans = await connection.fetch(
        _UPSERT,
        [row.id for row in rows],
        [row.started_at for row in rows],
        [row.definition_id for row in rows],
        [row.definition_version for row in rows],
        [row.status for row in rows],
        [row.status_since for row in rows],
        [row.key for row in rows],
        [row.activity for row in rows],
        [_encode_json(row.variables).decode() if row.variables else "{}" for row in rows],
        [row.error for row in rows],
        [row.steps for row in rows],
        [row.last_seq for row in rows],
        [row.updated_at for row in rows],
        [row.completed_at for row in rows],
        [row.reference for row in rows],
        [row.steps_completed for row in rows],
        [row.trigger for row in rows],
    )
    if orphans:
        log.warning(
            "events of instances whose rows were deleted: the new rows hold only what these events tell",
            table="process_instances",
            instances=[str(row["id"]) for row in orphans[:10]],
            count=len(orphans),
        )


TABLE = Table("process_instances", "projected", Projection("events", build, write))
