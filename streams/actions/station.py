"""What the station's actions share: a change that is made once, its errors, and to whom a message goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from streams.actions.base import ActionError, ActionRequest, invalid_config, text_of, unavailable
from streams.actions.mqtt_publish import SHARE_OF_TIME
from streams.actions.publisher import Publisher
from streams.core.suggest import suggest
from streams.station.tables import Change, Station, StationUnavailableError, Tables, UnfitError

MAX_RECIPIENTS = 400
"""Of one message: their ids are in the action's output, which an event must hold."""
MAX_ID = 200


class StationSide(NamedTuple):
    """What the station's actions reach; ``plant_ms`` is the plant's time in Unix milliseconds."""

    station: Station
    mqtt: Publisher
    plant_ms: Callable[[], int]


async def once(to: StationSide, request: ActionRequest, change: Change) -> dict[str, Any]:
    """Make ``change``, unless this request did before.  Raises ``ActionError``."""
    async with _errors(request):
        return await to.station.once(request.idempotency_key, request.action, change)


async def look(to: StationSide, request: ActionRequest, question: Change) -> dict[str, Any]:
    """Ask.  Raises ``ActionError``."""
    async with _errors(request):
        return await to.station.look(question)


@asynccontextmanager
async def _errors(request: ActionRequest) -> AsyncIterator[None]:
    time_s = request.time_left_s * SHARE_OF_TIME
    try:
        async with asyncio.timeout(time_s):
            yield
    except TimeoutError:
        raise unavailable(f"The database was not done within {time_s:.1f} s") from None
    except StationUnavailableError as error:
        raise unavailable(str(error)) from None
    except UnfitError as error:
        raise invalid_config(str(error)) from None


def not_found(what: str, name: str, more: str = "") -> ActionError:
    """There is no such alert, zone, user, group or bot."""
    return ActionError(f"There is no {what} {name!r}{more}", "not_found")


def optional_text(config: dict[str, Any], name: str) -> str | None:
    """The text ``name`` of ``config``, ``None`` without one.  Raises ``ActionError``."""
    return None if config.get(name) is None else text_of(config, name)


def id_of(config: dict[str, Any], name: str) -> str:
    """The id ``name`` of ``config``.  Raises ``ActionError``."""
    text = text_of(config, name)
    if len(text) > MAX_ID:
        raise invalid_config(f"Expected at most {MAX_ID} characters in config.{name}, but got {len(text)}")
    return text


def optional_id(config: dict[str, Any], name: str) -> str | None:
    """``None`` without one.  Raises ``ActionError``."""
    return None if config.get(name) is None else id_of(config, name)


def choice_of(config: dict[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    """One of ``choices``.  Raises ``ActionError``."""
    value = text_of(config, name, default)
    if value not in choices:
        fix = suggest(value, choices, name)
        raise invalid_config(f"Expected {', '.join(choices)} in config.{name}, but got {value!r:.200}. {fix}")
    return value


class Addressees(NamedTuple):
    """One of these is given."""

    user_id: str | None = None
    group_id: str | None = None
    zone_id: str | None = None
    channel: str | None = None

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Addressees":
        """Raises ``ActionError``."""
        found = cls(*(optional_id(config, name) for name in cls._fields))
        if sum(one is not None for one in found) != 1:
            raise invalid_config(f"Expected one of {', '.join(cls._fields)} in config")
        return found

    async def users(self, tables: Tables) -> list[str]:
        """Their ids, sorted; none for a channel.  Raises ``ActionError``."""
        if self.user_id is not None:
            if not await tables.users([self.user_id]):
                raise not_found("user", self.user_id)
            return [self.user_id]
        found: list[str] = []
        if self.group_id is not None:
            members = await tables.members(self.group_id)
            if members is None:
                raise not_found("group", self.group_id)
            found = members
        elif self.zone_id is not None:
            if await tables.zone(self.zone_id) is None:
                raise not_found("zone", self.zone_id)
            found = sorted(await tables.inside(self.zone_id))
        if len(found) > MAX_RECIPIENTS:
            raise invalid_config(f"Expected at most {MAX_RECIPIENTS} recipients, but got {len(found)}")
        return found

    def __str__(self) -> str:
        return next(f"{name} {value}" for name, value in self._asdict().items() if value is not None)
