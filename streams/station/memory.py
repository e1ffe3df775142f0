"""The station in dictionaries: the fake of ``sql``, with one transaction at a time."""

import asyncio
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streams.station.events import StationEvent
from streams.station.model import Alert, Bot, Fix, Message, User, Zone
from streams.station.tables import Change, StationUnavailableError


@dataclass
class MemoryTables:
    """``Tables``; who sets up a test may fill them directly.  ``events`` is the outbox."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    bots: dict[str, Bot] = field(default_factory=dict)
    positions: dict[str, Fix] = field(default_factory=dict)
    presence: dict[str, dict[str, int]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    events: list[StationEvent] = field(default_factory=list)

    async def alert(self, alert_id: str) -> Alert | None:
        return self.alerts.get(alert_id)

    async def open_alert(self, key: str) -> Alert | None:
        return next((one for one in self.alerts.values() if one.key == key and one.status != "resolved"), None)

    async def put_alert(self, alert: Alert) -> None:
        self.alerts[alert.id] = alert

    async def zone(self, zone_id: str, *, change: bool = False) -> Zone | None:  # noqa: ARG002  one transaction at a time
        return self.zones.get(zone_id)

    async def put_zone(self, zone: Zone) -> None:
        self.zones[zone.id] = zone

    async def fixes(self) -> Mapping[str, Fix]:
        return self.positions

    async def inside(self, zone_id: str) -> Mapping[str, int]:
        return dict(self.presence.get(zone_id, {}))

    async def enter(self, zone_id: str, since_ms: Mapping[str, int]) -> None:
        self.presence.setdefault(zone_id, {}).update(since_ms)

    async def leave(self, zone_id: str, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
            self.presence.get(zone_id, {}).pop(user_id, None)

    async def users(self, user_ids: Sequence[str], *, change: bool = False) -> Mapping[str, User]:  # noqa: ARG002
        return {
            user_id: replace(
                self.people[user_id], groups=tuple(sorted(g for g, m in self.groups.items() if user_id in m))
            )
            for user_id in user_ids
            if user_id in self.people
        }

    def _groups_of(self, user_id: str) -> list[str]:
        return [group for group, members in self.groups.items() if user_id in members]

    async def members(self, group_id: str) -> list[str] | None:
        return sorted(self.groups[group_id]) if group_id in self.groups else None

    async def join(self, group_id: str, user_id: str, now_ms: int) -> None:  # noqa: ARG002  no row, no column
        self.groups[group_id].add(user_id)

    async def quit(self, group_id: str, user_id: str) -> None:
        self.groups[group_id].discard(user_id)

    async def bot(self, bot_id: str) -> Bot | None:
        return self.bots.get(bot_id)

    async def add_messages(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    async def emit(self, events: Sequence[StationEvent]) -> None:
        self.events += events


class MemoryStation:
    """``Station``; with ``available`` false, a database that cannot be reached."""

    def __init__(self) -> None:
        self.tables = MemoryTables()
        self.done: dict[str, dict[str, Any]] = {}
        self.available = True
        self._turn = asyncio.Lock()

    async def once(self, key: str, action: str, change: Change) -> dict[str, Any]:  # noqa: ARG002  for people who look
        async with self._turn:
            if key not in self.done:
                self.done[key] = await self._transaction(change)
            return self.done[key]

    async def look(self, change: Change) -> dict[str, Any]:
        async with self._turn:
            return await self._transaction(change)

    async def _transaction(self, change: Change) -> dict[str, Any]:
        if not self.available:
            raise StationUnavailableError("The fake database cannot be reached")
        before = copy.deepcopy(self.tables)
        try:
            return await change(self.tables)
        except BaseException:
            self.tables = before
            raise
