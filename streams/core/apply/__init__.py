"""``apply_event(entities, event)``: the only way in which state changes, live and on replay.

``entities`` lends an entity by id and takes it back; an applier changes what it was lent.  A released applier is never
edited: histories of any age must fold to the same state.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from streams.core.apply import branches, definition, errors, instance, key, lifecycle, mailbox, notice, schedule, task
from streams.core.durations import instant_ms
from streams.core.events import Event
from streams.core.mailbox import Mailbox
from streams.core.schedule import Schedule
from streams.core.state import VERSION, DefinitionVersions, Entity, Instance, Key, key_entity


class Entities(Protocol):
    """The entities of one partition."""

    def get(self, entity_id: str) -> Entity | None:
        """The entity, to be changed and ``put`` back; ``None`` when there is none."""

    def put(self, entity_id: str, entity: Entity | None) -> None:
        """Keep the entity; ``None`` removes it."""


class FoldError(Exception):
    """An event that does not continue its entity's history: the log is damaged, or was read out of order."""


INSTANCE_APPLIERS: dict[str, Callable[[Instance, Event], None]] = {
    "start_queued": instance.start_queued,
    "start_released": instance.activity_over,
    "completed": instance.ended,
    "failed": errors.failed,
    "cancelled": instance.ended,
    "variable_changed": instance.variable_changed,
    "suspended": lifecycle.suspended,
    "resumed": lifecycle.resumed,
    "retry_queued": lifecycle.retry_queued,
    "retry_refused": lifecycle.retry_refused,
    "retried": lifecycle.retried,
    "migrated": lifecycle.migrated,
    "input_held": lifecycle.input_held,
    "signal_received": instance.signal_received,
    "activity_started": instance.activity_started,
    "activity_completed": instance.activity_completed,
    "activity_failed": instance.activity_over,
    "decision_evaluated": instance.nothing_more,
    "rules_evaluated": instance.nothing_more,
    "action_requested": instance.action_requested,
    "timer_started": instance.timer_started,
    "timer_fired": instance.activity_over,
    "message_awaited": instance.message_awaited,
    "subprocess_requested": instance.subprocess_requested,
    "task_created": task.created,
    "task_assigned": task.assigned,
    "task_claimed": task.claimed,
    "task_unclaimed": task.unclaimed,
    "task_delegated": task.delegated,
    "task_returned": task.returned,
    "task_updated": task.updated,
    "task_reminded": task.reminded,
    "task_escalated": task.escalated,
    "task_approved": task.voted,
    "task_rejected": task.voted,
    "task_completed": task.over,
    "task_cancelled": task.over,
    "notice_requested": notice.requested,
    "notice_sent": notice.answered,
    "notice_failed": notice.answered,
    "timed_out": errors.timed_out,
    "yielded": instance.yielded,
    "continued": instance.continued,
    "activity_skipped": instance.nothing_more,
    "activity_cancelled": instance.activity_over,
    "retry_scheduled": errors.retry_scheduled,
    "error_caught": instance.activity_over,
    "incident_created": errors.incident_created,
    "incident_resolved": instance.activity_over,
    "branches_started": branches.branches_started,
    "branch_completed": branches.branch_completed,
    "items_started": branches.items_started,
    "item_started": branches.item_started,
    "item_completed": branches.item_completed,
    "compensation_registered": branches.compensation_registered,
    "compensations_started": branches.compensations_started,
    "compensation_started": branches.compensation_started,
    "compensation_completed": branches.branch_completed,
}
KEY_APPLIERS: dict[str, Callable[[Key, Event], None]] = {
    "signal_buffered": key.signal_buffered,
    "signal_released": key.signal_taken,
    "signal_expired": key.signal_taken,
    "key_forgotten": key.nothing_more,
}
DEFINITION_APPLIERS: dict[str, Callable[[DefinitionVersions, Event], None]] = {
    "definition_deployed": definition.deployed,
    "definition_activated": definition.activated,
    "definition_deactivated": definition.deactivated,
}
SCHEDULE_APPLIERS: dict[str, Callable[[Schedule, Event], None]] = {
    "schedule_set": schedule.schedule_set,
    "schedule_stopped": schedule.schedule_stopped,
    "schedule_fired": schedule.schedule_passed,
    "schedule_skipped": schedule.schedule_passed,
    "rows_requested": schedule.rows_requested,
    "rows_received": schedule.rows_received,
    "rows_failed": schedule.rows_failed,
    "row_skipped": schedule.nothing_more,
    "slot_granted": schedule.slot_granted,
    "slot_awaited": schedule.slot_awaited,
    "slot_returned": schedule.slot_returned,
}
MAILBOX_APPLIERS: dict[str, Callable[[Mailbox, Event], None]] = {
    "subscribed": mailbox.subscribed,
    "unsubscribed": mailbox.unsubscribed,
    "message_correlated": mailbox.message_correlated,
    "message_started": mailbox.message_started,
    "message_buffered": mailbox.message_buffered,
    "message_expired": mailbox.message_expired,
    "mailbox_forgotten": mailbox.nothing_more,
}
CREATES_INSTANCE = "started"
MOVES_IN_KEY = frozenset({"start_queued", "start_released"})
LEAVES_KEY = frozenset({"completed", "failed", "cancelled", "timed_out"})
RETURNS_TO_KEY = "retried"
FORGETS = frozenset({"key_forgotten", "mailbox_forgotten"})
_MOVES = LEAVES_KEY | MOVES_IN_KEY | {RETURNS_TO_KEY}


def apply_event(entities: Entities, event: Event) -> None:
    """Fold one event into its entity, and into the key that an instance runs for.

    Raises ``FoldError`` when the event's ``seq`` does not follow the entity's.
    """
    apply_at(entities, event, instant_ms(event.time))


def apply_at(entities: Entities, event: Event, time_ms: int) -> None:
    """``apply_event`` for whoever has the event's time in milliseconds at hand."""
    _FOLDS[event.type](entities, event, time_ms)


def _create_instance(entities: Entities, event: Event, time_ms: int) -> None:
    state = entities.get(event.subject)
    if event.seq != (last := 0 if state is None else state.seq) + 1:
        raise _gap(event, last)
    state = instance.started(event, time_ms)
    _index_key(entities, state, event, time_ms)
    entities.put(event.subject, state)


def _apply_to_instance(entities: Entities, event: Event, time_ms: int) -> None:
    state = entities.get(event.subject)
    if not isinstance(state, Instance):
        raise FoldError(f"Expected a running instance {event.subject} for {event.type}, but got {type(state).__name__}")
    if event.seq != state.seq + 1:
        raise _gap(event, state.seq)
    apply_to(entities, state, event, time_ms)


def apply_to(entities: Entities, state: Instance, event: Event, time_ms: int) -> None:
    """``apply_at`` for whoever has made the event behind the last one of ``state``, which ``entities`` has lent."""
    kind = event.type
    INSTANCE_APPLIERS[kind](state, event)
    state.seq = event.seq
    state.updated_at = time_ms
    if kind not in _MOVES:  # most: this is the innermost of all loops
        entities.put(event.subject, state)
    elif kind in LEAVES_KEY:
        _index_key(entities, state, event, time_ms)
        entities.put(event.subject, instance.record_of(state))
    else:
        if kind == RETURNS_TO_KEY or event.data["behind"] == "key":
            _index_key(entities, state, event, time_ms)
        entities.put(event.subject, state)


def _index_key(entities: Entities, state: Instance, event: Event, time_ms: int) -> None:
    if state.key is None:
        return
    entity_id = key_entity(state.key)
    entity = entities.get(entity_id)
    if not isinstance(entity, Key):
        entity = Key(VERSION, state.key)
    key.index(entity, event, time_ms)
    entities.put(entity_id, None if key.is_empty(entity) else entity)


_Outside = TypeVar("_Outside", Key, DefinitionVersions, Schedule, Mailbox)


def _outside(
    kind: type[_Outside], new: Callable[[Event], _Outside], appliers: dict[str, Callable[[_Outside, Event], None]]
) -> dict[str, Callable[[Entities, Event, int], None]]:
    """How events of an entity other than an instance are folded; ``new`` makes it before its first one."""

    def fold(entities: Entities, event: Event, time_ms: int) -> None:
        entity = entities.get(event.subject)
        if not isinstance(entity, kind):
            if event.type in FORGETS:
                return  # of a damaged table, which knew of what the log does not
            entity = new(event)
        if event.seq != entity.seq + 1:
            raise _gap(event, entity.seq)
        appliers[event.type](entity, event)
        entity.seq = event.seq
        entity.updated_at = time_ms
        entities.put(event.subject, None if event.type in FORGETS else entity)

    return dict.fromkeys(appliers, fold)


def _gap(event: Event, last: int) -> FoldError:
    return FoldError(f"Expected seq {last + 1} of {event.subject}, but got {event.seq} ({event.type})")


_FOLDS: dict[str, Callable[[Entities, Event, int], None]] = {
    CREATES_INSTANCE: _create_instance,
    **dict.fromkeys(INSTANCE_APPLIERS, _apply_to_instance),
    **_outside(Key, lambda event: Key(VERSION, event.subject.removeprefix("key:")), KEY_APPLIERS),
    **_outside(
        DefinitionVersions,
        lambda event: DefinitionVersions(VERSION, event.definition_id, 0, 0, {}),
        DEFINITION_APPLIERS,
    ),
    **_outside(Schedule, lambda event: Schedule(VERSION, event.definition_id), SCHEDULE_APPLIERS),
    **_outside(Mailbox, lambda event: Mailbox(VERSION, event.subject.removeprefix("message:")), MAILBOX_APPLIERS),
}
"""By event type, since each belongs to one kind of entity."""
