"""``/api/positions``: where the station's people are.  What is told here goes the way of what devices tell."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries import StationPosition
from streams.topics import STATION_INPUTS
from weir.api import cursors
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.moments import Moment
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.station_fields import Id
from weir.api.routes.station_models import Message
from weir.api.station.telling import tell

MAX_LIMIT = 1_000
TOPIC = STATION_INPUTS[0]
router = APIRouter(prefix="/api/positions")

POSITION: dict[str, Any] = {
    "user_id": "ann",
    "lat": 48.2,
    "lon": 16.37,
    "accuracy_m": 5.0,
    "time": AT,
    "zones": ["door"],
}


class NewPosition(BaseModel):
    """Where somebody is, or was at ``timestamp`` (plant time)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"user_id": "ann", "lat": 48.2, "lon": 16.37, "accuracy_m": 5}},
    )

    user_id: Id
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    timestamp: Moment | None = None


class PositionList(msgspec.Struct):
    """By user; without ``next_cursor`` it is the last page."""

    positions: list[StationPosition]
    next_cursor: str | None


@router.get(
    "",
    response_model=None,
    responses=shows(PositionList, {"positions": [POSITION], "next_cursor": None}),
    dependencies=[needs("processes:view")],
)
async def positions(
    request: Request,
    user_id: str | None = None,
    zone: str | None = None,
    since: Annotated[Moment | None, Query(description="Only of whom something came then or later.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Where everybody was last."""
    after = None if cursor is None else cursors.decode(cursor, str)
    async with reading(request) as connection:
        found = await queries.station_positions(
            connection, user_id=user_id, zone=zone, since=since, after=after, limit=limit + 1
        )
    return answer(PositionList(*cursors.page(found, limit, lambda one: one.user_id)))


@router.post("", status_code=202, dependencies=[needs("processes:execute")])
async def tell_position(body: NewPosition, request: Request) -> Message:
    """Tell where somebody is: the station finds out which zones they have entered or left."""
    fields = body.model_dump(include={"lat", "lon", "accuracy_m"}, exclude_none=True)
    await tell(request, TOPIC, body.user_id, {}, fields, body.timestamp)
    return Message(message="accepted")
