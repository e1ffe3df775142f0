"""``/api/zones`` and ``/api/bots``: where processes of a station look, and what answers there."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries import StationBot, StationZone
from streams.actions.update_zone import UpdateZone
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.people import Named
from weir.api.routes.station_fields import Document, IdInPath, Name, Text
from weir.api.routes.station_models import Message
from weir.api.station import table
from weir.api.station.acting import perform, recorded

router = APIRouter(prefix="/api")
Author = Annotated[Principal, needs("processes:create")]

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


class Zone(BaseModel):
    """A circle (``lat``, ``lon``, ``radius_m``) or a ``polygon``; what is not given stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "Front door", "lat": 48.2, "lon": 16.37, "radius_m": 25}},
    )

    name: Name | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    polygon: Annotated[list[dict[str, float]], Field(max_length=1_000)] | None = None
    margin_m: float | None = None
    active: bool | None = None
    metadata: Document | None = None


class BotTrigger(BaseModel):
    """Set off by a message with ``word`` in it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    word: Name
    response: Text | None = None


class Bot(Named):
    """What it listens for."""

    enabled: bool = True
    triggers: Annotated[list[BotTrigger], Field(default_factory=list, max_length=100)]


class ZoneList(msgspec.Struct):
    """By id."""

    zones: list[StationZone]


class BotList(msgspec.Struct):
    """By id."""

    bots: list[StationBot]


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
async def put_zone(zone_id: IdInPath, body: Zone, request: Request, who: Author) -> Message:
    """Make or change a zone; who is inside or outside by that sets off ``zone_entry`` or ``zone_exit``."""
    config = {"zone_id": zone_id, **body.model_dump()}
    async with recorded(request, queries.station_zone, zone_id) as connection:
        done = await perform(request, connection, who, UpdateZone, config)
    return Message(message="created" if done["created"] else "updated")


@router.get(
    "/bots", response_model=None, responses=shows(BotList, {"bots": [BOT]}), dependencies=[needs("processes:view")]
)
async def bots(request: Request) -> Response:
    """Bots, and what they listen for."""
    async with reading(request) as connection:
        return answer(BotList(await queries.station_bots(connection)))


@router.put("/bots/{bot_id}", dependencies=[needs("processes:create")])
async def put_bot(bot_id: IdInPath, body: Bot, request: Request) -> Message:
    """Make or change a bot."""
    triggers = [one.model_dump() for one in body.triggers]
    async with recorded(request, queries.station_bot, bot_id) as connection:
        await table.put_bot(connection, bot_id, body.name, triggers, body.metadata, enabled=body.enabled)
    return Message(message="updated")
