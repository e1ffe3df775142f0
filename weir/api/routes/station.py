"""``/api/users``, ``/groups``, ``/zones``, ``/bots``: who and what processes of a station are about."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries import StationBot, StationGroup, StationUser, StationZone
from streams.actions.update_user_group import UpdateUserGroup
from streams.actions.update_zone import UpdateZone
from weir.api.audit.changing import changing
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.station_models import Message
from weir.api.station import table
from weir.api.station.acting import act, cause_of, plant_ms

MAX_LIMIT = 1_000
router = APIRouter(prefix="/api")
Admin = Annotated[Principal, needs("admin")]
Author = Annotated[Principal, needs("processes:create")]
Id = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]

USER: dict[str, Any] = {
    "id": "ann",
    "name": "Ann",
    "metadata": {},
    "online": True,
    "seen_at": AT,
    "registered_at": AT,
    "lat": 48.2,
    "lon": 16.37,
    "groups": ["night"],
    "zones": ["door"],
}
GROUP: dict[str, Any] = {"id": "night", "name": "Night shift", "metadata": {}, "created_at": AT, "members": ["ann"]}
ZONE: dict[str, Any] = {
    "id": "door",
    "name": "Front door",
    "lat": 48.2,
    "lon": 16.37,
    "radius_m": 25.0,
    "polygon": None,
    "margin_m": 10.0,
    "active": True,
    "metadata": {},
    "updated_at": AT,
    "users": ["ann"],
}
BOT: dict[str, Any] = {
    "id": "helper",
    "name": "Helper",
    "enabled": True,
    "triggers": [{"name": "help", "word": "help", "response": "Ask me"}],
    "metadata": {},
    "created_at": AT,
}


class Named(BaseModel):
    """A person or a group; ``metadata`` is yours."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Ann", "metadata": {}}})

    name: Text
    metadata: dict[str, Any] = {}


class Zone(BaseModel):
    """A circle (``lat``, ``lon``, ``radius_m``) or a ``polygon``; what is not given stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "Front door", "lat": 48.2, "lon": 16.37, "radius_m": 25}},
    )

    name: Text | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    polygon: Annotated[list[dict[str, float]], Field(max_length=1_000)] | None = None
    margin_m: float | None = None
    active: bool | None = None
    metadata: dict[str, Any] | None = None


class BotTrigger(BaseModel):
    """Set off by a message with ``word`` in it."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    word: Text
    response: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] | None = None


class Bot(Named):
    """What it listens for."""

    enabled: bool = True
    triggers: Annotated[list[BotTrigger], Field(max_length=100)] = []


class UserList(msgspec.Struct):
    """By id; ``next_after`` is the ``after`` of the next page, where there is one."""

    users: list[StationUser]
    next_after: str | None


class GroupList(msgspec.Struct):
    """By id."""

    groups: list[StationGroup]


class ZoneList(msgspec.Struct):
    """By id."""

    zones: list[StationZone]


class BotList(msgspec.Struct):
    """By id."""

    bots: list[StationBot]


@router.get(
    "/users",
    response_model=None,
    responses=shows(UserList, {"users": [USER], "next_after": None}),
    dependencies=[needs("processes:view")],
)
async def users(
    request: Request,
    online: bool | None = None,
    group: str | None = None,
    zone: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
) -> Response:
    """People, those of a group or in a zone too."""
    async with reading(request) as connection:
        found = await queries.station_users(
            connection, online=online, group=group, zone=zone, after=after, limit=limit + 1
        )
    page = found[:limit]
    return answer(UserList(page, page[-1].id if len(found) > limit else None))


@router.put("/users/{user_id}", dependencies=[needs("admin")])
async def put_user(user_id: Id, body: Named, request: Request) -> Message:
    """Register somebody, or change their name; who is new sets off ``user_registered``."""
    async with changing(request) as (connection, audit):
        now_ms, cause = plant_ms(request), cause_of("users")
        await table.put_user(connection, user_id, body.name, body.metadata, now_ms, cause)
        audit.target, audit.after = user_id, body.model_dump()
    return Message(message="updated")


@router.get(
    "/groups",
    response_model=None,
    responses=shows(GroupList, {"groups": [GROUP]}),
    dependencies=[needs("processes:view")],
)
async def groups(request: Request) -> Response:
    """Groups with their members."""
    async with reading(request) as connection:
        return answer(GroupList(await queries.station_groups(connection)))


@router.put("/groups/{group_id}", dependencies=[needs("admin")])
async def put_group(group_id: Id, body: Named, request: Request) -> Message:
    """Make a group, or change its name; its members stay."""
    async with changing(request) as (connection, audit):
        await table.put_group(connection, group_id, body.name, body.metadata)
        audit.target, audit.after = group_id, body.model_dump()
    return Message(message="updated")


@router.put("/groups/{group_id}/members/{user_id}")
async def join(group_id: Id, user_id: Id, request: Request, who: Admin) -> Message:
    """Put somebody into a group: ``user_group_changed``."""
    return await _member(request, who, group_id, user_id, "add")


@router.delete("/groups/{group_id}/members/{user_id}")
async def leave(group_id: Id, user_id: Id, request: Request, who: Admin) -> Message:
    """Take somebody out of a group: ``user_group_changed``."""
    return await _member(request, who, group_id, user_id, "remove")


@router.get(
    "/zones",
    response_model=None,
    responses=shows(ZoneList, {"zones": [ZONE]}),
    dependencies=[needs("processes:view")],
)
async def zones(request: Request) -> Response:
    """Zones, and who is in them."""
    async with reading(request) as connection:
        return answer(ZoneList(await queries.station_zones(connection)))


@router.put("/zones/{zone_id}")
async def put_zone(zone_id: Id, body: Zone, request: Request, who: Author) -> Message:
    """Make or change a zone; who is inside or outside by that sets off ``zone_entry`` or ``zone_exit``."""
    done = await act(request, who, UpdateZone, {"zone_id": zone_id, **body.model_dump()}, target=zone_id)
    return Message(message="created" if done["created"] else "updated")


@router.get(
    "/bots", response_model=None, responses=shows(BotList, {"bots": [BOT]}), dependencies=[needs("processes:view")]
)
async def bots(request: Request) -> Response:
    """Bots, and what they listen for."""
    async with reading(request) as connection:
        return answer(BotList(await queries.station_bots(connection)))


@router.put("/bots/{bot_id}", dependencies=[needs("processes:create")])
async def put_bot(bot_id: Id, body: Bot, request: Request) -> Message:
    """Make or change a bot."""
    async with changing(request) as (connection, audit):
        triggers = [one.model_dump() for one in body.triggers]
        await table.put_bot(connection, bot_id, body.name, triggers, body.metadata, enabled=body.enabled)
        audit.target, audit.after = bot_id, body.model_dump()
    return Message(message="updated")


async def _member(request: Request, who: Principal, group_id: str, user_id: str, operation: str) -> Message:
    config = {"group_id": group_id, "user_id": user_id, "operation": operation}
    done = await act(request, who, UpdateUserGroup, config, target=group_id)
    return Message(message="updated" if done["changed"] else "unchanged")
