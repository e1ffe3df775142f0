"""``/subscriptions``: who waits for an event."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import WaitingInstance, WaitingTrigger, WaitPlace
from weir.api import cursors
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes.examples import AT, INSTANCE_ID

MAX_LIMIT = 1_000
router = APIRouter()

EXAMPLE: dict[str, Any] = {
    "event": "delivered",
    "key": "order-7",
    "definitions": [
        {
            "definition_id": "unpack",
            "version": 1,
            "trigger_id": "unpack/trigger/1",
            "trigger_type": "message",
            "trigger_config": {"name": "delivered"},
            "conditions": None,
        }
    ],
    "instances": [
        {
            "instance_id": INSTANCE_ID,
            "definition_id": "order-parts",
            "definition_version": 1,
            "activity_id": "delivered",
            "status": "running",
            "business_key": None,
            "correlation": "order-7",
            "since": AT,
            "seq": 3,
        }
    ],
    "next_cursor": None,
}


class Subscriptions(msgspec.Struct):
    """``definitions`` are processes that the event may start; a message starts one only where no instance waits for it.

    ``next_cursor`` is of the next page of ``instances``, where there is one.
    """

    event: str
    key: str | None
    definitions: list[WaitingTrigger]
    instances: list[WaitingInstance]
    next_cursor: str | None


@router.get(
    "/subscriptions",
    response_model=None,
    responses=shows(Subscriptions, EXAMPLE),
    dependencies=[needs("processes:view")],
)
async def subscriptions(
    request: Request,
    event: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="The name of a message, an event of the station such as `zone_entry`, or a topic of readings.",
        ),
    ],
    key: Annotated[
        str | None,
        Query(min_length=1, max_length=512, description="Only instances that a message under this key would reach."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Which processes an event may start, and which instances wait for it, as far as the projector has come."""
    before = None if cursor is None else cursors.decode(cursor, WaitPlace)
    async with reading(request) as connection:
        triggers = await queries.waiting_triggers(connection, event)
        found = await queries.waiting_instances(connection, event, key, before=before, limit=limit + 1)
    return answer(Subscriptions(event, key, triggers, *cursors.page(found, limit, WaitPlace.of)))
