"""Which instances there are, and what has happened in one."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from projections import queries
from projections.queries import HistoryEvent, InstanceSummary
from streams.core.events import EventType
from weir.api import cursors
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.following.answers import shown_to
from weir.api.quick import answer
from weir.api.reading_back import unknown_instance
from weir.api.routes import examples
from weir.api.routes.process_filters import ProcessFilter
from weir.api.routes.processes import own_id

MAX_LIMIT = 1_000
MAX_SEQ = 2**31 - 1
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]

router = APIRouter()


class ProcessPage(msgspec.Struct):
    """``total`` is of all pages; when ``total_is_estimate`` there are more.  Without ``next_cursor`` it is the last."""

    items: list[InstanceSummary]
    total: int
    total_is_estimate: bool
    next_cursor: str | None


class HistoryPage(msgspec.Struct):
    """Events in the order of ``seq``; ``next_after`` is the ``after`` of the next page."""

    items: list[HistoryEvent]
    next_after: int | None


class _Place(msgspec.Struct, array_like=True):
    last: UUID
    total: int
    is_estimate: bool


class ListQuery(ProcessFilter):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


@router.get(
    "/processes",
    response_model=None,
    responses=shows(ProcessPage, examples.PROCESS_PAGE),
    dependencies=[needs("processes:view")],
)
async def processes(request: Request, asked: Annotated[ListQuery, Query()]) -> Response:
    """Instances, the newest first, page by page, as far as the projector has come."""
    wanted = asked.filter()
    place = None if asked.cursor is None else cursors.decode(asked.cursor, _Place)
    before = None if place is None else own_id(str(place.last), "query.cursor")
    async with reading(request) as connection:
        found = await queries.instances(connection, wanted, before=before, limit=asked.limit + 1)
        if place is None:
            counted = await queries.instance_count(connection, wanted)
            total, is_estimate = counted.total, counted.is_estimate
        else:
            total, is_estimate = place.total, place.is_estimate
    items, following = cursors.page(found, asked.limit, lambda last: _Place(last.id, total, is_estimate))
    return answer(ProcessPage(items, total, is_estimate, following))


@router.get(
    "/processes/{instance_id}/history",
    response_model=None,
    responses=shows(HistoryPage, examples.HISTORY_PAGE),
)
async def history(
    instance_id: str,
    request: Request,
    who: Annotated[Principal, needs("processes:view")],
    after: Annotated[int, Query(ge=0, le=MAX_SEQ, description="Only events with a higher seq.")] = 0,
    type: Annotated[list[EventType] | None, Query(description="Only events of these types.")] = None,  # noqa: A002
    limit: Limit = 100,
) -> Response:
    """Every event of an instance, in order, as far as the projector has come.

    Answers to tasks are shown to those who see all tasks.
    """
    known = own_id(instance_id, "path.instance_id")
    async with reading(request) as connection:
        one = await queries.instance(connection, known)
        if one is None:
            raise unknown_instance(known)
        found = await queries.history(
            connection, known, after_seq=after, limit=limit + 1, until=one.updated_at, types=type
        )
    items, more = found[:limit], len(found) > limit
    return answer(HistoryPage(shown_to(who, items), items[-1].seq if more else None))
