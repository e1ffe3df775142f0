"""``/api/alerts``: the station's alerts.  What people do here sets off the same triggers as what processes do."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from projections import queries
from projections.queries import AlertPlace, StationAlert
from streams.actions.acknowledge_alert import AcknowledgeAlert
from streams.actions.base import Performer
from streams.actions.create_alert import CreateAlert
from streams.actions.resolve_alert import ResolveAlert
from streams.actions.station import StationSide
from streams.station.model import AlertStatus, Severity
from weir.api import cursors
from weir.api.audit.changing import changing
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes.examples import AT
from weir.api.routes.station_fields import Document, Id, Text
from weir.api.station.acting import perform, recorded

MAX_LIMIT = 1_000
STEPS: dict[str, Callable[[StationSide], Performer]] = {"acknowledge": AcknowledgeAlert, "resolve": ResolveAlert}

router = APIRouter(prefix="/api/alerts")
Operator = Annotated[Principal, needs("processes:execute")]

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
    data: Document | None = None


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
    return answer(AlertList(*cursors.page(found, limit, AlertPlace.of)))


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses=shows(StationAlert, EXAMPLE, 201) | shows(StationAlert, EXAMPLE, 200, "One of its key was open already"),
)
async def create(body: NewAlert, request: Request, who: Operator) -> Response:
    """Raise an alert; 200 where one of its key was open already."""
    async with changing(request) as (connection, entry):
        done = await perform(request, connection, who, CreateAlert, body.model_dump())
        entry.status, entry.target = 201 if done["created"] else 200, done["alert_id"]
        entry.after = found = await queries.station_alert(connection, done["alert_id"])
    return answer(found, entry.status, {"Location": f"{router.prefix}/{entry.target}"})


@router.get(
    "/{alert_id}",
    response_model=None,
    responses=shows(StationAlert, EXAMPLE),
    dependencies=[needs("processes:view")],
)
async def show(alert_id: str, request: Request) -> Response:
    """An alert."""
    async with reading(request) as connection:
        found = await queries.station_alert(connection, alert_id)
    if found is None:
        raise ProblemError(404, "not_found", f"There is no alert {alert_id!r}", "GET /api/alerts tells what there is.")
    return answer(found)


@router.post("/{alert_id}/{step}", response_model=None, responses=shows(StationAlert, EXAMPLE))
async def step(
    alert_id: str, step: Literal["acknowledge", "resolve"], body: Note, request: Request, who: Operator
) -> Response:
    """Acknowledge it, or resolve it; what was done before stays as it was."""
    config = {"alert_id": alert_id, "by": who.id, "note": body.note}
    async with recorded(request, queries.station_alert, alert_id) as connection:
        await perform(request, connection, who, STEPS[step], config)
        found = await queries.station_alert(connection, alert_id)
    return answer(found)
