"""An instance as it was: the fold of its first events, in the shape in which the database has it now.

``process_history`` holds every event, indexed by instance, so nothing of the log has to be read.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from projections.queries import HistoryEvent, Instance, history
from streams.core import state
from streams.core.apply import apply_event
from streams.core.durations import instant
from streams.core.events import VERSION, Event
from streams.core.state import Entity
from weir.verify.rows import row_of
from weir.verify.seen import Life

PAGE = 1_000


class Wait(msgspec.Struct, frozen=True):
    """What an activity waited for; ``due`` is when a timer would fire or an action be given up, in plant time."""

    kind: str
    execution: int
    attempt: int
    due: datetime | None
    name: str | None


class InstanceThen(Instance, frozen=True):
    """An instance as it was, with what it waited for, by activity, and the signals that nobody had taken."""

    waiting: dict[str, Wait]
    signals: list[str]


async def events_until(
    connection: asyncpg.Connection, instance_id: str, *, seq: int | None = None, moment: datetime | None = None
) -> tuple[list[HistoryEvent], HistoryEvent | None]:
    """The events of an instance up to ``seq``, or to those at ``moment`` (plant time), and the one after them.

    Raises ``ValueError`` for what is no instance id.
    """
    found: list[HistoryEvent] = []
    while True:
        page = await history(connection, instance_id, after_seq=found[-1].seq if found else 0, limit=PAGE)
        for event in page:
            if (seq is not None and event.seq > seq) or (moment is not None and event.timestamp > moment):
                return found, event
            found.append(event)
        if len(page) < PAGE:
            return found, None


def instance_then(instance_id: str, events: Sequence[HistoryEvent]) -> InstanceThen:
    """The instance after its first ``events``, of which there is at least one.

    Raises ``FoldError`` where one is missing.
    """
    fold, life = _Fold(), Life(events[0].timestamp, events[0].cause, events[0].data.get("trigger"))
    for event in events:
        apply_event(fold, event_of(instance_id, event))
        life.tell(event.event_type, event.activity_id, event.timestamp)
    found = fold.instance
    assert found is not None
    row = msgspec.structs.asdict(row_of(found, life)) | {"id": UUID(found.id)}
    waiting = {activity: _wait(wait) for activity, wait in found.waiting.items()}
    return InstanceThen(**row, waiting=waiting, signals=[held.name for held in found.signals])


def state_then(instance_id: str, events: Sequence[HistoryEvent]) -> state.Instance:
    """The state as the processor had it after the first ``events``.  Raises ``FoldError`` where one is missing."""
    fold = _Fold()
    for event in events:
        apply_event(fold, event_of(instance_id, event))
    assert fold.instance is not None
    return fold.instance


def _wait(wait: state.Wait) -> Wait:
    due = None if wait.due is None else instant(wait.due)
    return Wait(wait.kind, wait.execution, wait.attempt, due, wait.name)


class _Fold:
    """Keeps the instance, where the table would keep only a mark once it has finished."""

    def __init__(self) -> None:
        self.instance: state.Instance | None = None

    def get(self, entity_id: str) -> Entity | None:
        return self.instance if self.instance is not None and self.instance.id == entity_id else None

    def put(self, _entity_id: str, entity: Entity | None) -> None:
        if isinstance(entity, state.Instance):
            self.instance = entity


def event_of(instance_id: str, row: HistoryEvent) -> Event:
    """The event as the topic has it."""
    return Event(
        VERSION,
        row.event_type,
        instance_id,
        row.seq,
        row.timestamp,
        row.definition_id,
        row.definition_version,
        row.cause,
        row.activity_id,
        row.message,
        row.token,
        row.data,
    )
