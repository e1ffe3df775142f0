"""``/api/messages``: what the station's people write, and what is written to them."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries import MessagePlace, StationMessage
from streams.codec import MAX_TEXT
from streams.topics import STATION_INPUTS
from weir.api import cursors
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.moments import Moment
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.station_fields import Id, Text
from weir.api.routes.station_models import Message
from weir.api.station.telling import tell

MAX_LIMIT = 1_000
TOPIC = STATION_INPUTS[1]
router = APIRouter(prefix="/api/messages")

MESSAGE: dict[str, Any] = {
    "id": "6f1d7c52-63c4-5d33-9f4e-0d7a5a3a2b11",
    "direction": "in",
    "kind": "message",
    "user_id": "ann",
    "channel": "night",
    "bot_id": None,
    "title": None,
    "text": "The door is open",
    "sender": None,
    "time": AT,
}


class NewMessage(BaseModel):
    """What ``user_id`` writes; to the ``channel``, where there is one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"user_id": "ann", "channel": "night", "text": "The door is open"}},
    )

    user_id: Id
    text: Annotated[Text, Field(max_length=MAX_TEXT)]
    channel: Id | None = None


class MessageList(msgspec.Struct):
    """The newest first; ``next_cursor`` is of the next page, where there is one."""

    messages: list[StationMessage]
    next_cursor: str | None


@router.get(
    "",
    response_model=None,
    responses=shows(MessageList, {"messages": [MESSAGE], "next_cursor": None}),
    dependencies=[needs("processes:view")],
)
async def messages(
    request: Request,
    user_id: str | None = None,
    channel: str | None = None,
    direction: Literal["in", "out"] | None = None,
    kind: Literal["message", "notification"] | None = None,
    since: Annotated[Moment | None, Query(description="Written then or later (plant time).")] = None,
    until: Annotated[Moment | None, Query(description="Written before that.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Messages, the newest first."""
    before = None if cursor is None else cursors.decode(cursor, MessagePlace)
    async with reading(request) as connection:
        found = await queries.station_messages(
            connection,
            user_id=user_id,
            channel=channel,
            direction=direction,
            kind=kind,
            since=since,
            until=until,
            before=before,
            limit=limit + 1,
        )
    return answer(MessageList(*cursors.page(found, limit, MessagePlace.of)))


@router.post("", status_code=202, dependencies=[needs("processes:execute")])
async def write(body: NewMessage, request: Request) -> Message:
    """Write for somebody: processes and bots hear it as what came by radio."""
    tags = {} if body.channel is None else {"channel": body.channel}
    await tell(request, TOPIC, body.user_id, tags, {"text": body.text})
    return Message(message="accepted")
