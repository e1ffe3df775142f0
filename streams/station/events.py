"""The events of the station: readings on ``station-events``, whose form ``streams.core.triggers.station`` reads.

An event's id follows from its cause, so that one that should come twice is known by it.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from streams.core.durations import instant_text
from streams.station.model import Alert, Bot, Fix, Message, User, Zone

_NAMESPACE = uuid.UUID("5ad0c1f2-6f1b-4d0e-9b1e-57e1dc0de001")


def stable_id(*parts: str) -> str:
    """A UUID that is the same for the same parts."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


@dataclass(frozen=True, slots=True)
class StationEvent:
    """``key`` is the record's; ``cause`` is what led to it: the place of a record, an action's idempotency key."""

    name: str
    key: str
    cause: str
    time_ms: int
    tags: dict[str, str | None]
    fields: dict[str, Any]

    def value(self) -> bytes:
        """The record's."""
        event_id = stable_id(self.cause, self.name, *(value or "" for value in self.tags.values()))
        return orjson.dumps(
            {
                "tags": {"event": self.name, "event_id": event_id, **self.tags},
                "fields": self.fields,
                "timestamp": instant_text(self.time_ms),
            }
        )


def zone_entry(user: User, zone: Zone, fix: Fix, cause: str) -> StationEvent:
    """``user`` is inside now."""
    return _zone("zone_entry", user, zone, fix, cause)


def zone_exit(user: User, zone: Zone, fix: Fix, since_ms: int, cause: str) -> StationEvent:
    """``user`` is outside now, and was inside since ``since_ms``."""
    event = _zone("zone_exit", user, zone, fix, cause)
    event.fields["seconds"] = max(0, fix.time_ms - since_ms) / 1000
    return event


def _zone(name: str, user: User, zone: Zone, fix: Fix, cause: str) -> StationEvent:
    fields = {**_person(user), "zone_name": zone.name, "lat": fix.at.lat, "lon": fix.at.lon}
    return StationEvent(name, user.id, cause, fix.time_ms, {"user_id": user.id, "zone_id": zone.id}, fields)


def user_event(name: str, user: User, time_ms: int, cause: str) -> StationEvent:
    """``user_registered``, ``user_online``, ``user_offline``."""
    return StationEvent(name, user.id, cause, time_ms, {"user_id": user.id}, _person(user))


def user_group_changed(user: User, group_id: str, change: str, time_ms: int, cause: str) -> StationEvent:
    """``change`` is ``added`` or ``removed``; ``user`` has the groups as they are then."""
    tags: dict[str, str | None] = {"user_id": user.id, "group_id": group_id, "change": change}
    return StationEvent("user_group_changed", user.id, cause, time_ms, tags, _person(user))


def alert_event(name: str, alert: Alert, by: str, time_ms: int, cause: str) -> StationEvent:
    """``alert_created``, ``alert_acknowledged``, ``alert_resolved``; ``by`` is who did it."""
    tags: dict[str, str | None] = {
        "alert_id": alert.id,
        "alert_key": alert.key,
        "severity": alert.severity,
        "zone_id": alert.zone_id,
        "user_id": alert.user_id,
    }
    fields = {
        "title": alert.title,
        "message": alert.message,
        "status": alert.status,
        "by": by,
        "note": alert.note,
        "data": alert.data,
    }
    return StationEvent(name, alert.id, cause, time_ms, tags, fields)


def message_received(message: Message, user: User, cause: str) -> StationEvent:
    """``user`` has written ``message``."""
    tags = {"user_id": user.id, "channel": message.channel, "message_id": message.id}
    fields = {**_person(user), "text": message.text}
    return StationEvent("message_received", user.id, cause, message.time_ms, tags, fields)


def bot_trigger_fired(
    bot: Bot, trigger: str, text: str | None, user: User | None, message: Message, cause: str
) -> StationEvent:
    """A trigger of ``bot`` was set off: by ``text``, which ``user`` wrote, or by a process (then there is neither)."""
    user_id = None if user is None else user.id
    tags = {"bot_id": bot.id, "trigger": trigger, "user_id": user_id, "channel": message.channel}
    person = {"user_name": None, "groups": []} if user is None else _person(user)
    fields = {**person, "bot_name": bot.name, "text": text, "message_id": message.id}
    return StationEvent("bot_trigger_fired", user_id or bot.id, cause, message.time_ms, tags, fields)


def _person(user: User) -> dict[str, Any]:
    return {"user_name": user.name, "groups": list(user.groups)}
