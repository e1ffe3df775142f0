"""An event as the checks see it: beside what its entity was before it, and what its partition told so far."""

from datetime import datetime
from typing import Any, NamedTuple

from streams.core.events import Event
from streams.core.places import place_of
from streams.core.schedule import Schedule
from streams.core.state import Entity, HeldSignal, Instance, Key, Wait

STATUS_EVENTS = frozenset(
    {"started", "completed", "failed", "timed_out", "cancelled", "suspended", "resumed", "retried"}
)
COMPLETES_STEP = frozenset({"activity_completed", "decision_evaluated", "timer_fired"})
MOMENTS = frozenset({"schedule_fired", "schedule_skipped"})
ENDS_OF_TIMERS = frozenset({"timer_fired", "activity_failed", "retry_scheduled", "action_requested", "timed_out"})


class Life:
    """What the log told of an unfinished instance, and its state does not keep."""

    __slots__ = ("activity", "last_type", "started_by", "status_since", "steps_completed", "trigger")

    def __init__(self, since: datetime, started_by: str, trigger: dict[str, Any] | None = None) -> None:
        self.activity: str | None = None
        self.last_type = ""
        self.started_by = started_by
        self.status_since = since
        self.steps_completed = 0
        self.trigger = trigger

    def tell(self, event_type: str, activity_id: str | None, time: datetime) -> None:
        """An event, in order."""
        self.last_type = event_type
        if activity_id is not None:
            self.activity = activity_id
        if event_type in COMPLETES_STEP:
            self.steps_completed += 1
        if event_type in STATUS_EVENTS:
            self.status_since = time


class Fired(NamedTuple):
    """A timer that fired: when it was due, and when it came.  Unix ms of plant time."""

    due_ms: int
    at_ms: int


class Course:
    """What the events of a partition told so far.

    ``whole``: of all its entities, not only of some.  ``skew_ms``: how far the clocks of workers and brokers may have
    been apart, in plant time; where that is not known, ``None``.
    """

    __slots__ = ("cause", "due_ms", "fired", "offset", "partition", "released", "skew_ms", "time_ms", "whole")

    def __init__(self, partition: int, *, whole: bool = True, skew_ms: int | None = None) -> None:
        self.partition, self.whole, self.skew_ms = partition, whole, skew_ms
        self.cause = ""
        """That of the last event."""
        self.offset = -1
        """That of the last command that caused an event."""
        self.time_ms = 0
        """Plant time of the last event."""
        self.fired: Fired | None = None
        """The last timer."""
        self.due_ms = 0
        """The latest moment at which one of the timers that fired was due."""
        self.released: tuple[str, str, dict[str, Any]] | None = None
        """(instance, name, payload) of a held signal, when the last event released it."""

    def pass_by(self, seen: "Seen") -> None:
        """The checks have seen the event, and its entity has not."""
        event = seen.event
        if event.cause != self.cause:
            self.cause = event.cause
            offset = event.cause.rpartition(":")[2]
            if offset.isdigit():
                self.offset = max(self.offset, int(offset))
        self.time_ms = seen.time_ms
        by_timer = event.type in ENDS_OF_TIMERS and event.cause.endswith(":timer")
        due = seen.due_ms if by_timer else seen.due if event.type in MOMENTS else None
        if due is not None:
            self._fire(due, seen.time_ms)
        self.released = None
        if event.type == "signal_released" and (held := seen.held) is not None:
            self.released = (event.data["instance_id"], held.name, held.payload)

    def _fire(self, due_ms: int, at_ms: int) -> None:
        self.fired = Fired(due_ms, at_ms)
        self.due_ms = max(self.due_ms, due_ms)


class Seen(NamedTuple):
    """``before`` and ``life`` are ``None`` ahead of the first event; ``time_ms`` is the event's plant time."""

    course: Course
    before: Entity | None
    life: Life | None
    event: Event
    time_ms: int

    @property
    def partition(self) -> int:
        return self.course.partition

    @property
    def last_seq(self) -> int:
        """``seq`` of the entity's last event."""
        return 0 if self.before is None else self.before.seq

    @property
    def instance(self) -> Instance | None:
        """The instance, running or failed."""
        return self.before if isinstance(self.before, Instance) else None

    @property
    def wait(self) -> Wait | None:
        """What the event's token waited for at the event's activity."""
        if self.instance is None or self.event.activity_id is None:
            return None
        return self.instance.waiting.get(place_of(self.event.activity_id, self.event.token))

    @property
    def due(self) -> int | None:
        """When the moment of a schedule was due that the event is about."""
        before = self.before
        alarm = before.alarms.get(str(self.event.data["trigger"])) if isinstance(before, Schedule) else None
        return None if alarm is None else alarm.due

    @property
    def due_ms(self) -> int | None:
        """When the timer was due that the event is the end of; ``None`` where it is that of none."""
        event, instance, wait = self.event, self.instance, self.wait
        if instance is None or event.type not in ENDS_OF_TIMERS:
            return None
        if event.type != "timer_fired" and not event.cause.endswith(":timer"):
            return None
        if event.type == "timed_out":
            return instance.timeout_at
        found = [] if wait is None or wait.due is None else [wait.due]
        if event.type == "activity_failed" and event.activity_id is not None and event.data["error_type"] == "timeout":
            deadline = instance.deadlines.get(place_of(event.activity_id, event.token))
            found += [] if deadline is None else [deadline.due]
        return min(found, default=None)

    @property
    def held(self) -> HeldSignal | None:
        """The signal that waits with the key, at the index that the event names."""
        index = self.event.data.get("index")
        signals = self.before.signals if isinstance(self.before, Key) else []
        return signals[index] if isinstance(index, int) and 0 <= index < len(signals) else None
