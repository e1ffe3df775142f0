"""What went wrong, and what became of it."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import Incident, IncidentPlace
from weir.api import cursors
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.moments import Moment
from weir.api.quick import answer
from weir.api.routes import examples
from weir.api.routes.process_models import Name
from weir.api.routes.processes import own_id

router = APIRouter(prefix="/incidents")


class IncidentPage(msgspec.Struct):
    """Without ``next_cursor`` it is the last."""

    items: list[Incident]
    next_cursor: str | None


@router.get(
    "",
    response_model=None,
    responses=shows(IncidentPage, {"items": [examples.INCIDENT], "next_cursor": None}),
    dependencies=[needs("processes:view")],
)
async def incidents(
    request: Request,
    *,
    open: Annotated[bool, Query(description="Only those that nothing has resolved.")] = True,  # noqa: A002
    definition: Name | None = None,
    instance_id: str | None = None,
    since: Annotated[Moment | None, Query(description="Only those of that moment, or later.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Incidents, the newest first.  They are resolved by `POST /processes/{instance_id}/retry`, or by a cancel."""
    known = None if instance_id is None else own_id(instance_id, "query.instance_id")
    before = None if cursor is None else cursors.decode(cursor, IncidentPlace)
    async with reading(request) as connection:
        found = await queries.incidents(
            connection,
            open_only=open,
            definition_id=definition,
            instance_id=known,
            since=since,
            before=before,
            limit=limit + 1,
        )
    return answer(IncidentPage(*cursors.page(found, limit, IncidentPlace.of)))
