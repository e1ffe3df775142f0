"""``/api/processes/executions``: instances as a station's people know them.  Stands before ``/api/processes/{id}``."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import ExecutionWithSteps, HistoryEvent
from streams.core.state import InstanceStatus
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.following.answers import shown_to
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import station_examples as examples
from weir.api.routes.process_lists import MAX_SEQ
from weir.api.routes.processes import own_id
from weir.api.routes.station_models import ExecutionList, LogLine, Logs
from weir.api.routes.station_processes import MAX_LIMIT, Limit, Offset

ERRORS = frozenset({"failed", "timed_out", "activity_failed", "incident_created", "notice_failed"})
WARNINGS = frozenset({"retry_scheduled", "error_caught", "cancelled", "suspended", "activity_cancelled"})

router = APIRouter(prefix="/api/processes/executions")


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
) -> Response:
    """What happened in an execution, line by line."""
    known = own_id(execution_id, "path.execution_id")
    async with reading(request) as connection:
        one = await queries.instance(connection, known)
        if one is None:
            raise _unknown(known)
        found = await queries.history(connection, known, after_seq=after, limit=limit + 1, until=one.updated_at)
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
