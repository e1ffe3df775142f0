from typing import get_args
from uuid import UUID

import msgspec

from projections.feeds.events import decode
from projections.tables.process_instances import HANDLERS, Change, build
from streams.core.clock import PlantClock
from streams.core.durations import instant
from streams.core.events import EVENT_TYPES, EventType
from streams.transport.port import TopicPartition
from tests.projections.story import EVENTS, T0, Story, cooling, numbered

# Event types that change no more of a row than its last_seq, updated_at and current_activity.
PASSIVE = {
    "signal_received",
    "activity_failed",
    "rules_evaluated",
    "action_requested",
    "timer_started",
    "message_awaited",
    *("activity_cancelled", "activity_skipped", "subprocess_requested", "retry_scheduled", "error_caught"),
    *("branches_started", "branch_completed", "items_started", "item_started", "item_completed"),
    *("compensation_registered", "compensations_started", "compensation_started", "compensation_completed"),
    *("incident_created", "incident_resolved", "input_held", "start_queued", "start_released"),
    *("retry_queued", "retry_refused"),
    *("yielded", "continued"),
}
PASSIVE |= {name for name in EVENT_TYPES if name.startswith(("task_", "notice_"))}  # those of ``tasks``
NOT_OF_INSTANCES = {
    *("signal_buffered", "signal_released", "signal_expired", "key_forgotten"),
    *("definition_deployed", "definition_activated", "definition_deactivated"),
    *("schedule_set", "schedule_stopped", "schedule_skipped", "schedule_fired"),
    *("slot_awaited", "slot_granted", "slot_returned"),
    *("rows_requested", "rows_received", "rows_failed", "row_skipped"),
    *("subscribed", "unsubscribed"),
    *("message_buffered", "message_correlated", "message_expired", "message_started"),
    "mailbox_forgotten",
}


def fold(*stories: Story, first: int = 0, end: int | None = None) -> list[Change]:
    values = [value for story in stories for value in story.values[first:end]]
    return build(decode(TopicPartition(EVENTS, 0), numbered(values), PlantClock()).items)


def variables(change: Change) -> dict[str, object]:
    decoded: dict[str, object] = msgspec.json.decode(msgspec.json.encode(change.variables))
    return decoded


def test_every_event_type_was_thought_of() -> None:
    assert set(HANDLERS) | PASSIVE | NOT_OF_INSTANCES == set(get_args(EventType))
    assert not set(HANDLERS) & PASSIVE


def test_a_whole_run() -> None:
    story = cooling("a")
    [change] = fold(story)
    assert change.id == UUID(story.id)
    assert change.started_at == instant(T0)
    assert (change.definition_id, change.definition_version) == ("temperature-control", 1)
    assert (change.status, change.key, change.activity, change.error) == ("completed", "hp-1", None, None)
    assert (change.last_seq, change.steps) == (15, 5)
    assert change.updated_at == change.completed_at == change.status_since == instant(T0 + 14 * 250)
    assert variables(change) == {"device_id": "hp-1", "temperature": 88.25, "threshold": 90.0}


def test_the_beginning_of_a_run() -> None:
    [change] = fold(cooling("a"), end=7)
    assert (change.status, change.status_since, change.completed_at) == ("running", instant(T0), None)
    assert (change.activity, change.last_seq, change.steps) == ("cool", 7, 3)
    assert variables(change) == {"device_id": "hp-1", "temperature": 91.5, "threshold": 90.0}


def test_the_middle_of_a_run_leaves_the_status_alone() -> None:
    [change] = fold(cooling("a"), first=7, end=12)
    assert (change.status_since, change.completed_at, change.key) == (None, None, None)
    assert (change.activity, change.last_seq, change.steps) == ("recheck", 12, 1)
    assert variables(change) == {"temperature": 88.25}


def test_a_failure_and_a_cancellation_tell_where_the_instance_stopped() -> None:
    failed = Story("a").tell("started", key=None, variables={"a": 1}).enter("work")
    failed.tell("failed", "work", error_type="timeout", error="no answer", duration_ms=1, steps=1)
    cancelled = Story("b").tell("started", variables={}).enter("wait")
    cancelled.tell("cancelled", reason="by hand", duration_ms=1, steps=1)
    first, second = fold(failed, cancelled)
    assert (first.status, first.error, first.activity) == ("failed", "timeout: no answer", "work")
    assert (first.completed_at, variables(first)) == (instant(T0 + 500), {"a": 1})
    assert (second.status, second.error, second.activity) == ("cancelled", None, "wait")


def test_a_failed_instance_that_is_cancelled_loses_its_error() -> None:
    story = Story("a").tell("started", variables={}).tell("failed", "work", error_type="x", error="y")
    story.tell("cancelled", reason=None)
    [change] = fold(story)
    assert (change.status, change.error) == ("cancelled", None)


def test_instances_are_kept_apart() -> None:
    changes = fold(*(cooling(f"cause {n}", device=f"hp-{n}") for n in range(50)))
    assert [change.key for change in changes] == [f"hp-{n}" for n in range(50)]
    assert len({change.id for change in changes}) == 50
