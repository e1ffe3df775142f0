"""``/api/processes/executions``: instances as a station's people know them.  Stands before ``/api/processes/{id}``."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import ExecutionWithSteps, HistoryEvent, LogFilter, LogPlace
from streams.core.durations import instant
from streams.core.state import InstanceStatus
from weir.api import cursors
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.following.answers import sees_answers, shown_to
from weir.api.moments import Moment
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import station_examples as examples
from weir.api.routes.process_lists import MAX_SEQ
from weir.api.routes.processes import own_id
from weir.api.routes.station_models import ExecutionList, FoundLine, FoundLines, LogLine, Logs
from weir.api.routes.station_processes import MAX_LIMIT, Limit, Offset
from weir.api.station.acting import plant_ms

ERRORS = frozenset({"failed", "timed_out", "activity_failed", "incident_created", "notice_failed"})
WARNINGS = frozenset({"retry_scheduled", "error_caught", "cancelled", "suspended", "activity_cancelled"})
Level = Literal["info", "warning", "error"]
LEVELS: dict[Level, tuple[str, ...]] = {"warning": (*WARNINGS, *ERRORS), "error": (*ERRORS,)}
"""Types of events of that level or worse; ``info`` is all."""
MAX_SPAN = timedelta(days=31)
"""That is searched at once."""
Search = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="Only lines that have this in them, in capitals or not."),
]
LevelOrWorse = Annotated[Level | None, Query(description="Only lines of this level, or worse.")]

router = APIRouter(prefix="/api/processes/executions")


class _Place(msgspec.Struct, array_like=True):
    """All pages are of one time."""

    since: datetime
    last: LogPlace


@router.get(
    "",
    response_model=None,
    responses=shows(ExecutionList, examples.EXECUTION_LIST),
    dependencies=[needs("processes:view")],
)
async def executions(
    request: Request,
    process_id: str | None = None,
    status: InstanceStatus | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """Executions, the newest first.  For many pages take ``GET /processes``, which has cursors."""
    async with reading(request) as connection:
        found, total = await queries.executions(
            connection, process_id=process_id, status=status, limit=limit, offset=offset
        )
    return answer(ExecutionList(found, total))


@router.get("/logs", response_model=None, responses=shows(FoundLines, examples.FOUND_LINES))
async def search(
    request: Request,
    who: Annotated[Principal, needs("processes:view")],
    q: Search = None,
    level: LevelOrWorse = None,
    process_id: str | None = None,
    since: Annotated[Moment | None, Query(description="From then on (plant time); a day before `until`.")] = None,
    until: Annotated[Moment | None, Query(description="Before that; now by default.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """What happened in all executions of a time, at most a month, line by line, the newest first."""
    place = None if cursor is None else cursors.decode(cursor, _Place)
    if place is not None:
        since, until = place.since, place.last.timestamp + timedelta(milliseconds=1)
    if until is None:
        until = instant(plant_ms(request)) + timedelta(seconds=1)
    since = max(until - timedelta(days=1), datetime(1970, 1, 1, tzinfo=UTC)) if since is None else since
    if not timedelta(0) <= until - since <= MAX_SPAN:
        detail = f"Expected at most {MAX_SPAN.days} days from since to until, but got {until - since}"
        raise ProblemError(422, "invalid_request", detail, "Ask for less.", errors=[("query.since", detail)])
    wanted = LogFilter(
        since=since,
        until=until,
        definition_id=process_id,
        types=LEVELS.get(level or "info"),
        text=q,
        answers=sees_answers(who),
    )
    async with reading(request) as connection:
        before = None if place is None else place.last
        found = await queries.logs(connection, wanted, before=before, limit=limit + 1)
    page, following = cursors.page(found, limit, lambda last: _Place(since, LogPlace.of(last)))
    lines = [
        FoundLine(
            **msgspec.structs.asdict(_line(shown)), execution_id=event.instance_id, process_id=event.definition_id
        )
        for event, shown in zip(page, shown_to(who, [*page]), strict=True)
    ]
    return answer(FoundLines(lines, following))


@router.get(
    "/{execution_id}",
    response_model=None,
    responses=shows(ExecutionWithSteps, examples.EXECUTION),
    dependencies=[needs("processes:view")],
)
async def show(execution_id: str, request: Request) -> Response:
    """An execution with its steps."""
    known = own_id(execution_id, "path.execution_id")
    async with reading(request) as connection:
        found = await queries.execution(connection, known)
    if found is None:
        raise _unknown(known)
    return answer(found)


@router.get(
    "/{execution_id}/logs",
    response_model=None,
    responses=shows(Logs, examples.LOGS),
)
async def logs(
    execution_id: str,
    request: Request,
    who: Annotated[Principal, needs("processes:view")],
    after: Annotated[int, Query(ge=0, le=MAX_SEQ, description="Only lines with a higher seq.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
    q: Search = None,
    level: LevelOrWorse = None,
) -> Response:
    """What happened in an execution, line by line."""
    known = own_id(execution_id, "path.execution_id")
    async with reading(request) as connection:
        one = await queries.instance(connection, known)
        if one is None:
            raise _unknown(known)
        found = await queries.history(
            connection,
            known,
            after_seq=after,
            limit=limit + 1,
            until=one.updated_at,
            types=LEVELS.get(level or "info"),
            text=q,
            answers=sees_answers(who),
        )
    lines = [_line(event) for event in shown_to(who, found[:limit])]
    return answer(Logs(lines, lines[-1].seq if len(found) > limit else None))


def _line(event: HistoryEvent) -> LogLine:
    level = "error" if event.event_type in ERRORS else "warning" if event.event_type in WARNINGS else "info"
    said = event.event_type.replace("_", " ")
    at = f" at {event.activity_id}" if event.activity_id else ""
    message = event.message or f"{said}{at}"
    return LogLine(event.seq, event.timestamp, level, event.event_type, event.activity_id, message, event.data)


def _unknown(execution_id: str) -> ProblemError:
    detail = f"There is no execution {execution_id} in the database"
    return ProblemError(404, "unknown_execution", detail, "A new one appears when the projector has caught up.")
