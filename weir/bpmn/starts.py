"""Which start event each kind of trigger is.  A new one is a function here and a line in ``STARTS``."""

import json
from collections.abc import Callable
from typing import Any

from streams.core.triggers import (
    DatabaseTrigger,
    MessageTrigger,
    MqttTrigger,
    ReadingTrigger,
    RedpandaTrigger,
    TimerTrigger,
    Trigger,
)
from streams.core.triggers.station import STATION_TRIGGERS, StationTrigger
from streams.core.yaml_text import yaml_text
from weir.bpmn.model import Event
from weir.bpmn.moments import at, cycle

Events = tuple[Event, ...]


def conditional(text: str) -> Event:
    """Something comes to hold."""
    return Event("conditional", ("condition", text))


def condition_of(trigger: ReadingTrigger) -> str | None:
    """One expression for ``condition``, ``all`` or ``any``; ``None`` where every reading starts the process."""
    if trigger.condition is not None:
        return trigger.condition.strip()
    listed = trigger.all or trigger.any
    if listed is None:
        return None
    return (" && " if trigger.all else " || ").join(f"({one.strip()})" for one in listed)


def _redpanda(trigger: RedpandaTrigger) -> Events:
    condition = condition_of(trigger)
    return (Event("message", reference=trigger.topic) if condition is None else conditional(condition),)


def _mqtt(trigger: MqttTrigger) -> Events:
    return (Event("message", reference=trigger.topic),)


def _timer(trigger: TimerTrigger) -> Events:
    if trigger.every is not None:
        return (Event("timer", ("timeCycle", cycle(trigger.every))),)
    if trigger.cron is not None:
        return (Event("timer", ("timeCycle", trigger.cron)),)
    return tuple(Event("timer", at(one)) for one in trigger.at or ())


def _database(trigger: DatabaseTrigger) -> Events:
    return (conditional(trigger.query.strip()),)


def _pattern(trigger: Trigger) -> Events:
    """The pattern itself: CEL has no word for time."""
    return (conditional(details(trigger)),)


def _message(trigger: MessageTrigger) -> Events:
    return (Event("message", reference=trigger.name),)


def _station(trigger: StationTrigger) -> Events:
    return (Event("signal", reference=trigger.type),)


STARTS: dict[str, Callable[[Any], Events]] = {
    "redpanda": _redpanda,
    "api": lambda _trigger: (),
    "mqtt": _mqtt,
    "timer": _timer,
    "database": _database,
    "pattern": _pattern,
    "message": _message,
    **dict.fromkeys(STATION_TRIGGERS, _station),
}


def details(trigger: Trigger) -> str:
    """All of a trigger, as YAML."""
    return yaml_text(json.loads(json.dumps(trigger.model_dump(mode="json", exclude_defaults=True, by_alias=True))))
