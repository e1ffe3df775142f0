"""How long things take, as the projector tells it."""

from projections.durations import MAX_OPEN, Durations
from projections.feeds.events import InstanceEvent, instance_of
from streams.core.durations import instant
from streams.core.events import EventHead
from streams.core.ids import instance_id

BEGAN_MS = 1_767_225_600_000


def events(definition: str, *told: tuple[int, str, str | None], began_ms: int = BEGAN_MS) -> list[InstanceEvent]:
    """Of one instance: seconds since its start, type, activity."""
    subject = instance_id(began_ms, 0, definition)
    instance = instance_of(subject)
    assert instance is not None
    found = []
    for seq, (seconds, kind, activity) in enumerate(told, 1):
        event = EventHead(
            v=1,
            type=kind,
            subject=subject,
            seq=seq,
            time=instant(began_ms + seconds * 1000),
            cause="0:1",
            definition_id=definition,
            definition_version=1,
            activity_id=activity,
        )
        found.append(InstanceEvent(instance, event))
    return found


def told(durations: Durations) -> dict[tuple[str, ...], tuple[int, float]]:
    return {(one.name, *one.labels): (one.value.count, one.value.sum) for one in durations.samples()}  # type: ignore[union-attr]


def test_instances_and_activities_are_timed() -> None:
    durations = Durations()
    durations.note(
        events(
            "cooling",
            (0, "started", None),
            (0, "activity_started", "check"),
            (0, "decision_evaluated", "check"),
            (0, "activity_started", "wait"),
            (60, "timer_fired", "wait"),
            (60, "activity_started", "cool"),
        )
    )
    durations.note(events("cooling", (90, "activity_completed", "cool"), (90, "completed", None)))
    assert told(durations) == {
        ("weir_instance_seconds", "cooling"): (1, 90.0),
        ("weir_activity_seconds", "cooling", "check"): (1, 0.0),
        ("weir_activity_seconds", "cooling", "wait"): (1, 60.0),
        ("weir_activity_seconds", "cooling", "cool"): (1, 30.0),
    }


def test_what_began_before_is_not_counted() -> None:
    durations = Durations()
    durations.note(events("cooling", (90, "activity_completed", "cool"), (90, "failed", None)))
    assert told(durations) == {}


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    durations = Durations()
    durations.note(events("first", (0, "activity_started", "a")))
    for n in range(MAX_OPEN):
        durations.note(events("many", (0, "activity_started", "a"), began_ms=BEGAN_MS + n))
    durations.note(events("first", (1, "activity_completed", "a")))
    durations.note(events("many", (1, "activity_completed", "a"), began_ms=BEGAN_MS + MAX_OPEN - 1))
    assert told(durations) == {("weir_activity_seconds", "many", "a"): (1, 1.0)}


def test_a_partition_that_was_away_is_forgotten() -> None:
    durations = Durations()
    durations.note(events("a", (0, "started", None), (0, "activity_started", "work")))
    durations.forget({1, 2})
    assert len(durations.under_way) == 1
    durations.forget({0, 1})
    assert durations.under_way == {}
    durations.note(events("a", (5, "activity_completed", "work")))
    assert told(durations) == {}
