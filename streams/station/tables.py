"""What an action may do to the station's tables within its transaction, and what becomes of the transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from streams.station.events import StationEvent
from streams.station.model import Alert, Bot, Fix, Message, User, Zone

Change = Callable[["Tables"], Awaitable[dict[str, Any]]]
"""What to do in a transaction; its result is JSON."""


class StationUnavailableError(Exception):
    """The database cannot be reached now, or has no tables yet."""


class UnfitError(ValueError):
    """The database does not take a value."""


class Tables(Protocol):
    """The tables within a transaction.  What was read by id stays as it is until the transaction ends."""

    async def alert(self, alert_id: str) -> Alert | None: ...

    async def open_alert(self, key: str) -> Alert | None:
        """The one of ``key`` that is not resolved."""
        ...

    async def put_alert(self, alert: Alert) -> None: ...

    async def zone(self, zone_id: str, *, change: bool = False) -> Zone | None:
        """With ``change`` nobody comes into a zone or leaves one from here on, until the transaction ends."""
        ...

    async def put_zone(self, zone: Zone) -> None: ...

    async def fixes(self) -> Mapping[str, Fix]:
        """Where everybody was last."""
        ...

    async def inside(self, zone_id: str) -> Mapping[str, int]:
        """Who is in the zone, and since when."""
        ...

    async def enter(self, zone_id: str, since_ms: Mapping[str, int]) -> None: ...

    async def leave(self, zone_id: str, user_ids: Iterable[str]) -> None: ...

    async def users(self, user_ids: Sequence[str], *, change: bool = False) -> Mapping[str, User]:
        """Those that are known.  With ``change`` nobody else changes them until the transaction ends."""
        ...

    async def members(self, group_id: str) -> list[str] | None:
        """Ids, sorted; ``None`` when there is no such group."""
        ...

    async def join(self, group_id: str, user_id: str, now_ms: int) -> None: ...

    async def quit(self, group_id: str, user_id: str) -> None: ...

    async def bot(self, bot_id: str) -> Bot | None: ...

    async def add_messages(self, messages: Sequence[Message]) -> None: ...

    async def emit(self, events: Sequence[StationEvent]) -> None:
        """Put into the outbox what goes to ``station-events`` when the transaction has committed."""
        ...


class Station(Protocol):
    """Where the tables are."""

    async def once(self, key: str, action: str, change: Change) -> dict[str, Any]:
        """Carry out ``change`` in a transaction, unless that was done under ``key``; its result, then as now.

        Raises ``StationUnavailableError``, ``UnfitError``, and what ``change`` raises; then nothing was done.
        """
        ...

    async def look(self, change: Change) -> dict[str, Any]:
        """The same for what changes nothing: nobody remembers it."""
        ...
