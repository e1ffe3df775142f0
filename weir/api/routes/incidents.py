"""What went wrong, and what became of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import Incident
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes import examples
from weir.api.routes.process_models import Name
from weir.api.routes.processes import own_id

router = APIRouter(prefix="/incidents")


@router.get(
    "",
    response_model=None,
    responses=shows(list[Incident], [examples.INCIDENT]),
    dependencies=[needs("processes:view")],
)
async def incidents(
    request: Request,
    *,
    open: Annotated[bool, Query(description="Only those that nothing has resolved.")] = True,  # noqa: A002
    definition: Name | None = None,
    instance_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
) -> Response:
    """Incidents, the newest first.  They are resolved by `POST /processes/{instance_id}/retry`, or by a cancel."""
    known = None if instance_id is None else own_id(instance_id, "query.instance_id")
    async with reading(request) as connection:
        found = await queries.incidents(
            connection, open_only=open, definition_id=definition, instance_id=known, limit=limit
        )
    return answer(found)
