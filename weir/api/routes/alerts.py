"""``/api/alerts``: the station's alerts.  What people do here sets off the same triggers as what processes do."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from projections import queries
from projections.queries import AlertPlace, StationAlert
from streams.actions.acknowledge_alert import AcknowledgeAlert
from streams.actions.create_alert import CreateAlert
from streams.actions.resolve_alert import ResolveAlert
from streams.station.model import AlertStatus, Severity
from weir.api import cursors
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.station.acting import act

MAX_LIMIT = 1_000
router = APIRouter(prefix="/api/alerts")
Operator = Annotated[Principal, needs("processes:execute")]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]

EXAMPLE: dict[str, Any] = {
    "id": "0b8a5a0e-6c0f-5c1c-9d52-2f6f1d1f4c11",
    "key": "boiler-2",
    "severity": "warning",
    "status": "open",
    "title": "Boiler 2 is too hot",
    "message": None,
    "zone_id": None,
    "user_id": None,
    "data": {"flow_temp_c": 81.5},
    "created_at": AT,
    "created_by": "anna",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "note": None,
}


class NewAlert(BaseModel):
    """``alert_key`` is what it is about: where an alert of it is open, that one is the answer, and none is made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"title": "Boiler 2 is too hot", "alert_key": "boiler-2", "severity": "warning"}},
    )

    title: Text
    message: Text | None = None
    severity: Severity = "warning"
    alert_key: Id | None = None
    zone_id: Id | None = None
    user_id: Id | None = None
    data: dict[str, Any] | None = None


class Note(BaseModel):
    """Why, for who looks at it later."""

    model_config = ConfigDict(extra="forbid")

    note: Text | None = None


class AlertList(msgspec.Struct):
    """The newest first; ``next_cursor`` is of the next page, where there is one."""

    alerts: list[StationAlert]
    next_cursor: str | None


@router.get(
    "",
    response_model=None,
    responses=shows(AlertList, {"alerts": [EXAMPLE], "next_cursor": None}),
    dependencies=[needs("processes:view")],
)
async def list_(
    request: Request,
    status: AlertStatus | None = None,
    severity: Severity | None = None,
    key: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Alerts, the newest first."""
    before = None if cursor is None else cursors.decode(cursor, AlertPlace)
    async with reading(request) as connection:
        found = await queries.station_alerts(
            connection, status=status, severity=severity, key=key, before=before, limit=limit + 1
        )
    page = found[:limit]
    more = cursors.encode(AlertPlace(page[-1].created_at, page[-1].id)) if len(found) > limit else None
    return answer(AlertList(page, more))


@router.post("", status_code=201, response_model=None, responses=shows(StationAlert, EXAMPLE, 201))
async def create(body: NewAlert, request: Request, who: Operator) -> Response:
    """Raise an alert; 200 where one of its key was open already."""
    done = await act(request, who, CreateAlert, body.model_dump(), status=201)
    found = await _known(request, done["alert_id"])
    return answer(found, 201 if done["created"] else 200, {"Location": f"{router.prefix}/{found.id}"})


@router.get(
    "/{alert_id}",
    response_model=None,
    responses=shows(StationAlert, EXAMPLE),
    dependencies=[needs("processes:view")],
)
async def show(alert_id: str, request: Request) -> Response:
    """An alert."""
    return answer(await _known(request, alert_id))


@router.post("/{alert_id}/{step}", response_model=None, responses=shows(StationAlert, EXAMPLE))
async def step(
    alert_id: str, step: Literal["acknowledge", "resolve"], body: Note, request: Request, who: Operator
) -> Response:
    """Acknowledge it, or resolve it; what was done before stays as it was."""
    make = {"acknowledge": AcknowledgeAlert, "resolve": ResolveAlert}[step]
    await act(request, who, make, {"alert_id": alert_id, "by": who.id, "note": body.note}, target=alert_id)
    return answer(await _known(request, alert_id))


async def _known(request: Request, alert_id: str) -> StationAlert:
    async with reading(request) as connection:
        found = await queries.station_alert(connection, alert_id)
    if found is None:
        raise ProblemError(404, "not_found", f"There is no alert {alert_id!r}", "GET /api/alerts tells what there is.")
    return found
