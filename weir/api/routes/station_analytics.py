"""Analytics of processes and their activities: what the rollups say, how long people take, and why instances failed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import Overview, ProcessAnalytics, TriggerFrequencies
from projections.queries.trends import Interval
from streams.core.durations import instant, parse_duration_ms
from streams.settings import Settings
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.moments import Moment
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import station_examples as examples
from weir.api.routes.station_changes import known

DAYS = 7
MAX_SPAN = {"hour": timedelta(days=92), "day": timedelta(days=3_660)}

router = APIRouter(prefix="/api/processes")
Since = Annotated[Moment | None, Query(description=f"Started at or after that; {DAYS} days ago by default.")]
Until = Annotated[Moment | None, Query(description="Started before that; now by default.")]
Sla = Annotated[str | None, Query(max_length=50, description="A duration, such as 5m: what share completed in it?")]
By = Annotated[Interval, Query(description="Trends by hour or by day.")]


@router.get(
    "/analytics/overview",
    response_model=None,
    responses=shows(Overview, examples.OVERVIEW),
    dependencies=[needs("processes:view")],
)
async def overview(
    request: Request, since: Since = None, until: Until = None, interval: By = "hour", sla: Sla = None
) -> Response:
    """What all processes together did."""
    begin, end = _span(request, since, until, interval)
    within_ms = _within(sla)
    async with reading(request) as connection:
        found = await queries.overview(connection, begin, end, interval=interval, within_ms=within_ms)
    return answer(found)


@router.get(
    "/analytics/triggers",
    response_model=None,
    responses=shows(TriggerFrequencies, examples.TRIGGERS),
    dependencies=[needs("processes:view")],
)
async def triggers(request: Request, since: Since = None, until: Until = None, interval: By = "hour") -> Response:
    """What has set processes off, and how often, by hour or by day."""
    return answer(await _triggers(request, None, _span(request, since, until, interval), interval))


@router.get(
    "/{process_id}/analytics/triggers",
    response_model=None,
    responses=shows(TriggerFrequencies, examples.TRIGGERS),
    dependencies=[needs("processes:view")],
)
async def triggers_of(
    process_id: str, request: Request, since: Since = None, until: Until = None, interval: By = "hour"
) -> Response:
    """What has set a process off, and how often, by hour or by day."""
    span = _span(request, since, until, interval)
    await known(request, process_id)
    return answer(await _triggers(request, process_id, span, interval))


@router.get(
    "/{process_id}/analytics",
    response_model=None,
    responses=shows(ProcessAnalytics, examples.ANALYTICS),
    dependencies=[needs("processes:view")],
)
async def analytics(
    process_id: str,
    request: Request,
    since: Since = None,
    until: Until = None,
    interval: By = "hour",
    sla: Sla = None,
) -> Response:
    """What a process did and why it failed; what its activities did, and the people whom it asked."""
    begin, end = _span(request, since, until, interval)
    within_ms = _within(sla)
    await known(request, process_id)
    async with reading(request) as connection:
        found = await queries.process_analytics(
            connection, process_id, begin, end, interval=interval, within_ms=within_ms
        )
    return answer(found)


async def _triggers(
    request: Request, process_id: str | None, span: tuple[datetime, datetime], interval: Interval
) -> TriggerFrequencies:
    async with reading(request) as connection:
        return await queries.trigger_frequencies(connection, *span, interval=interval, definition_id=process_id)


def _span(
    request: Request, since: datetime | None, until: datetime | None, interval: Interval
) -> tuple[datetime, datetime]:
    """From when to when, in plant time.  Raises ``ProblemError`` for more than trends are told of."""
    settings: Settings = request.app.state.settings
    if until is None:
        until = instant(settings.plant_clock.plant_ms(time.time() * 1000)) + timedelta(seconds=1)
    if since is None:
        since = max(until - timedelta(days=DAYS), datetime(1970, 1, 1, tzinfo=UTC))
    if not timedelta(0) <= until - since <= MAX_SPAN[interval]:
        detail = f"Expected at most {MAX_SPAN[interval].days} days from since to until, but got {until - since}"
        fix = "Ask for less, or by interval=day."
        raise ProblemError(422, "invalid_request", detail, fix, errors=[("query.since", detail)])
    return since, until


def _within(sla: str | None) -> int | None:
    try:
        return None if sla is None else parse_duration_ms(sla)
    except ValueError as error:
        fix = "Write a duration, such as 90s, 5m or 1d."
        raise ProblemError(422, "invalid_request", str(error), fix, errors=[("query.sla", str(error))]) from None
