"""Appliers for a definition's schedule: its clock and its slots."""

from typing import Any

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.schedule import Alarm, Schedule


def schedule_set(entity: Schedule, event: Event) -> None:
    """A version is active: its triggers come from here on.  What they were before stays known as ``last``."""
    entity.version = event.definition_version
    entity.alarms = {
        name: Alarm(data["spec"], *_next(data), last=_last(entity, name, data["spec"]))
        for name, data in event.data["alarms"].items()
    }


def schedule_stopped(entity: Schedule, _event: Event) -> None:
    """No version is active."""
    entity.version = 0
    entity.alarms = {}


def schedule_passed(entity: Schedule, event: Event) -> None:
    """``schedule_fired`` and ``schedule_skipped``: the moment up to which the trigger has come, and the next one."""
    name, data = str(event.data["trigger"]), event.data
    alarm = entity.alarms[name]
    nominal, due = _next(data)
    entity.alarms = {**entity.alarms, name: Alarm(alarm.spec, nominal, due, parse_instant_ms(data["nominal"]))}


def slot_granted(entity: Schedule, event: Event) -> None:
    """The instance may run; ``limit`` is what counted then."""
    instance = event.data["instance_id"]
    entity.limit = event.data["limit"]
    entity.waiting = [one for one in entity.waiting if one != instance]
    entity.running = [*entity.running, instance]


def slot_awaited(entity: Schedule, event: Event) -> None:
    """All slots are taken: the instance waits behind those that came before."""
    entity.limit = event.data["limit"]
    entity.waiting = [*entity.waiting, event.data["instance_id"]]


def slot_returned(entity: Schedule, event: Event) -> None:
    """The instance has ended, whether it had a slot or waited for one."""
    instance = event.data["instance_id"]
    entity.waiting = [one for one in entity.waiting if one != instance]
    entity.running = [one for one in entity.running if one != instance]


def _next(data: dict[str, Any]) -> tuple[int | None, int | None]:
    """(nominal, due) of the next moment."""
    if "next" not in data:
        return None, None
    return parse_instant_ms(data["next"]), parse_instant_ms(data["due"])


def _last(entity: Schedule, name: str, spec: str) -> int | None:
    before = entity.alarms.get(name)
    return before.last if before is not None and before.spec == spec else None
