"""``/api/users`` and ``/api/groups``: who processes of a station are about."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from projections import queries
from projections.queries import StationGroup, StationUser
from streams.actions.update_user_group import UpdateUserGroup
from weir.api import cursors
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.station_fields import Document, IdInPath, Name
from weir.api.routes.station_models import Message
from weir.api.station import table
from weir.api.station.acting import cause_of, perform, plant_ms, recorded

MAX_LIMIT = 1_000
router = APIRouter(prefix="/api")
Admin = Annotated[Principal, needs("admin")]

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


class Named(BaseModel):
    """A person or a group; ``metadata`` is yours."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"name": "Ann", "metadata": {}}})

    name: Name
    metadata: Document = {}


class UserList(msgspec.Struct):
    """By id; without ``next_cursor`` it is the last page."""

    users: list[StationUser]
    next_cursor: str | None


class GroupList(msgspec.Struct):
    """By id."""

    groups: list[StationGroup]


@router.get(
    "/users",
    response_model=None,
    responses=shows(UserList, {"users": [USER], "next_cursor": None}),
    dependencies=[needs("processes:view")],
)
async def users(
    request: Request,
    online: bool | None = None,
    group: str | None = None,
    zone: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """People, those of a group or in a zone too."""
    after = None if cursor is None else cursors.decode(cursor, str)
    async with reading(request) as connection:
        found = await queries.station_users(
            connection, online=online, group=group, zone=zone, after=after, limit=limit + 1
        )
    return answer(UserList(*cursors.page(found, limit, lambda one: one.id)))


@router.put("/users/{user_id}", dependencies=[needs("admin")])
async def put_user(user_id: IdInPath, body: Named, request: Request) -> Message:
    """Register somebody, or change their name; who is new sets off ``user_registered``."""
    async with recorded(request, queries.station_user, user_id) as connection:
        now_ms, cause = plant_ms(request), cause_of("users")
        await table.put_user(connection, user_id, body.name, body.metadata, now_ms, cause)
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
async def put_group(group_id: IdInPath, body: Named, request: Request) -> Message:
    """Make a group, or change its name; its members stay."""
    async with recorded(request, queries.station_group, group_id) as connection:
        await table.put_group(connection, group_id, body.name, body.metadata)
    return Message(message="updated")


@router.put("/groups/{group_id}/members/{user_id}")
async def join(group_id: IdInPath, user_id: IdInPath, request: Request, who: Admin) -> Message:
    """Put somebody into a group: ``user_group_changed``."""
    return await _member(request, who, group_id, user_id, "add")


@router.delete("/groups/{group_id}/members/{user_id}")
async def leave(group_id: IdInPath, user_id: IdInPath, request: Request, who: Admin) -> Message:
    """Take somebody out of a group: ``user_group_changed``."""
    return await _member(request, who, group_id, user_id, "remove")


async def _member(request: Request, who: Principal, group_id: str, user_id: str, operation: str) -> Message:
    config = {"group_id": group_id, "user_id": user_id, "operation": operation}
    async with recorded(request, queries.station_user, user_id) as connection:
        done = await perform(request, connection, who, UpdateUserGroup, config)
    return Message(message="updated" if done["changed"] else "unchanged")
