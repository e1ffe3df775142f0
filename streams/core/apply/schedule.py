"""Appliers for a definition's schedule: its clock, its polls and its slots."""

from typing import Any

from msgspec.structs import replace

from streams.core.durations import parse_instant_ms
from streams.core.events import Event
from streams.core.schedule import Alarm, Poll, Schedule


def schedule_set(entity: Schedule, event: Event) -> None:
    """A version is active: its triggers come from here on.  What they were before stays known as ``last``."""
    entity.version = event.definition_version
    entity.alarms = {
        name: Alarm(data["spec"], *_next(data), last=_last(entity, name, data["spec"]))
        for name, data in event.data["alarms"].items()
    }
    entity.polls = {name: _polled(entity, name, data) for name, data in event.data.get("polls", {}).items()}


def schedule_stopped(entity: Schedule, _event: Event) -> None:
    """No version is active."""
    entity.version = 0
    entity.alarms = {}
    entity.polls = {name: replace(poll, due=None, asked=False) for name, poll in entity.polls.items()}


def schedule_passed(entity: Schedule, event: Event) -> None:
    """``schedule_fired`` and ``schedule_skipped``: the moment up to which the trigger has come, and the next one."""
    name, data = str(event.data["trigger"]), event.data
    alarm = entity.alarms[name]
    nominal, due = _next(data)
    entity.alarms = {**entity.alarms, name: Alarm(alarm.spec, nominal, due, parse_instant_ms(data["nominal"]))}


def rows_requested(entity: Schedule, event: Event) -> None:
    """A worker is asked for rows, until the deadline."""
    data = event.data
    _change(entity, event, number=data["execution"], asked=True, due=parse_instant_ms(data["deadline"]))


def rows_received(entity: Schedule, event: Event) -> None:
    """The rows up to the watermark have started what they stand for."""
    data = event.data
    _change(entity, event, begun=True, watermark=data["watermark"], failures=0, **_waits(data))
    if not data["more"]:
        _change(entity, event, limit=0)


def rows_failed(entity: Schedule, event: Event) -> None:
    """The rows behind the same watermark are asked for again."""
    data, poll = event.data, _poll(entity, event)
    _change(entity, event, failures=poll.failures + 1, limit=data["limit"], **_waits(data))


def nothing_more(_entity: Schedule, _event: Event) -> None:
    """A row of ``rows_received`` started nothing."""


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


def _polled(entity: Schedule, name: str, data: dict[str, Any]) -> Poll:
    """The number goes on, so that an answer to what was asked before is known as that."""
    before = entity.polls.get(name, Poll(""))
    if before.spec != data["spec"]:
        return Poll(data["spec"], before.number, parse_instant_ms(data["due"]))
    return before if before.asked else replace(before, due=parse_instant_ms(data["due"]))


def _poll(entity: Schedule, event: Event) -> Poll:
    assert event.activity_id is not None
    return entity.polls[event.activity_id]


def _change(entity: Schedule, event: Event, **changes: Any) -> None:
    entity.polls = {**entity.polls, event.activity_id or "": replace(_poll(entity, event), **changes)}


def _waits(data: dict[str, Any]) -> dict[str, Any]:
    return {"asked": False, "due": parse_instant_ms(data["due"])}


def _next(data: dict[str, Any]) -> tuple[int | None, int | None]:
    """(nominal, due) of the next moment."""
    if "next" not in data:
        return None, None
    return parse_instant_ms(data["next"]), parse_instant_ms(data["due"])


def _last(entity: Schedule, name: str, spec: str) -> int | None:
    before = entity.alarms.get(name)
    return before.last if before is not None and before.spec == spec else None
