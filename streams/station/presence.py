"""Who is there, and in which zones: what follows from positions and messages.  Pure.

A position inside a zone is an entry.  An exit needs one outside by more than the zone's margin, or than the position
may be wrong, so that somebody at the edge does not come and go with the noise.  A position that is not newer than the
last one moves nobody.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from streams.station import events
from streams.station.events import StationEvent
from streams.station.geometry import outside_m
from streams.station.model import Bot, Fix, Message, User, Zone


class Sighting(NamedTuple):
    """A position of ``user_id``; ``arrived_ms`` is when it came, ``cause`` the record's place."""

    user_id: str
    fix: Fix
    arrived_ms: int
    cause: str


@dataclass
class People:
    """Those that a batch is about, as the tables have them, and as it leaves them; what else it leads to.

    ``inside`` has for each user their zones, and since when (plant ms).
    """

    users: dict[str, User] = field(default_factory=dict)
    fixes: dict[str, Fix] = field(default_factory=dict)
    inside: dict[str, dict[str, int]] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    """Who is known only since this batch; no event has told it yet."""
    moved: set[str] = field(default_factory=set)
    """Whose position is another one now."""
    messages: list[Message] = field(default_factory=list)
    events: list[StationEvent] = field(default_factory=list)

    def sign_of_life(self, user_id: str, at_ms: int, cause: str) -> User:
        """``user_id``, who is online now."""
        user = self.users[user_id]
        if user_id in self.new:
            self.new.remove(user_id)
            self.events.append(events.user_event("user_registered", user, at_ms, cause))
        if not user.online:
            self.events.append(events.user_event("user_online", user, at_ms, cause))
        user = self.users[user_id] = replace(user, online=True, seen_ms=max(at_ms, user.seen_ms or at_ms))
        return user


def is_inside(zone: Zone, fix: Fix, *, was_inside: bool) -> bool:
    """Whether somebody at ``fix`` is in ``zone``."""
    if not zone.active:
        return False
    allowed = max(zone.margin_m, fix.accuracy_m) if was_inside else 0.0
    return outside_m(zone.shape, fix.at) <= allowed


def take_positions(people: People, zones: Sequence[Zone], sightings: Iterable[Sighting]) -> None:
    """In their order."""
    for user_id, fix, arrived_ms, cause in sightings:
        user = people.sign_of_life(user_id, arrived_ms, cause)
        last = people.fixes.get(user_id)
        if last is not None and fix.time_ms <= last.time_ms:
            continue
        people.fixes[user_id] = fix
        people.moved.add(user_id)
        inside = people.inside.setdefault(user_id, {})
        for zone in zones:
            _move(people, user, zone, fix, inside, cause)


def take_messages(
    people: People, bots: Sequence[Bot], messages: Iterable[tuple[Message, str]], known: Iterable[str] = ()
) -> None:
    """Each with its cause, in their order.  One that is ``known``, by its id, has only come once more."""
    there = set(known)
    for message, cause in messages:
        assert message.user_id is not None
        user = people.sign_of_life(message.user_id, message.time_ms, cause)
        if message.id in there:
            continue
        there.add(message.id)
        people.messages.append(message)
        people.events.append(events.message_received(message, user, cause))
        for bot in bots:
            for trigger in bot.triggers:
                if bot.enabled and hears(trigger.word, message.text):
                    fired = events.bot_trigger_fired(bot, trigger.name, message.text, user, message, cause)
                    people.events.append(fired)


def hears(word: str, text: str) -> bool:
    """Whether ``word`` stands in ``text`` for itself, in capitals or not."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def reassess(zone: Zone, fixes: Mapping[str, Fix], inside: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Who comes into ``zone`` and who leaves it because it is another one now: (entered, left), sorted."""
    now = {user_id for user_id, fix in fixes.items() if is_inside(zone, fix, was_inside=user_id in inside)}
    return sorted(now - inside.keys()), sorted(inside.keys() - now)


def _move(people: People, user: User, zone: Zone, fix: Fix, inside: dict[str, int], cause: str) -> None:
    was_inside = zone.id in inside
    if is_inside(zone, fix, was_inside=was_inside) is was_inside:
        return
    if was_inside:
        people.events.append(events.zone_exit(user, zone, fix, inside.pop(zone.id), cause))
    else:
        inside[zone.id] = fix.time_ms
        people.events.append(events.zone_entry(user, zone, fix, cause))
