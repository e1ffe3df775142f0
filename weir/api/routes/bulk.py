"""Bulk operations: what is done to all instances that meet a filter, each by a command of its own."""

import time
import uuid
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections.instance_filter import InstanceFilter
from projections.queries import instance_count, instances
from streams.core.durations import instant
from weir.api.audit.changing import changing
from weir.api.auth import Principal, needs
from weir.api.auth.security import forbidden
from weir.api.bulk import table
from weir.api.bulk.operations import OPERATIONS, OperationName, command_of
from weir.api.bulk.runner import Runner
from weir.api.bulk.table import Bulk
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import examples
from weir.api.routes.bulk_models import NewBulk, parameters_of
from weir.api.sending import checked

COUNTED = 100_000
SHOWN = 20

router = APIRouter(prefix="/bulk")

EXAMPLE: dict[str, Any] = {
    "id": "8c1b6a52-0c53-4d0c-9a5e-1a2f6b7c8d90",
    "operation": "cancel",
    "filter": {"definition_id": "temperature-control", "status": ["running", "suspended"]},
    "parameters": {"reason": "the plant is shut down"},
    "status": "running",
    "error": None,
    "created_at": examples.AT,
    "created_by": "ada",
    "finished_at": None,
    "total": 1200,
    "total_is_estimate": False,
    "sent": 400,
    "done": 398,
    "refused": 2,
    "reasons": {"not_running": 2},
    "refusals": [{"instance_id": examples.INSTANCE_ID, "reason": "not_running", "message": "It has ended"}],
}


class Preview(msgspec.Struct):
    """What would be done, and to which instances first."""

    operation: OperationName
    total: int
    total_is_estimate: bool
    first: list[str]


PREVIEW = shows(
    Preview,
    {"operation": "cancel", "total": 1200, "total_is_estimate": False, "first": [examples.INSTANCE_ID]},
    description="With dry_run: what would be done",
)


@router.post(
    "", status_code=202, response_model=None, responses={**shows(Bulk, EXAMPLE, 202, "It is being done"), **PREVIEW}
)
async def create(body: NewBulk, request: Request, who: Annotated[Principal, needs("processes:execute")]) -> Response:
    """Do something to all instances that meet the filter, as far as the projector has come.

    A dry run tells instances, and needs `processes:view` too.
    """
    if body.dry_run and not who.may("processes:view"):
        raise forbidden(who, "processes:view")
    wanted, parameters = _filter(body, request), parameters_of(body.operation, body.parameters)
    checked(command_of(uuid.uuid4(), body.operation, parameters, examples.INSTANCE_ID))
    async with reading(request) as connection:
        counted = await instance_count(connection, wanted, COUNTED)
        if body.dry_run:
            first = [str(one.id) for one in await instances(connection, wanted, limit=SHOWN)]
            return answer(Preview(body.operation, counted.total, counted.is_estimate, first))
    plan = CURRENT.get()
    new = Bulk(
        id=uuid.uuid4() if plan is None else uuid.uuid5(plan.seed, "bulk"),
        operation=body.operation,
        filter=wanted,
        parameters=parameters,
        status="running",
        error=None,
        created_at=instant(0),
        created_by=who.id,
        finished_at=None,
        total=counted.total,
        total_is_estimate=counted.is_estimate,
        sent=0,
        done=0,
        refused=0,
        reasons={},
        refusals=[],
    )
    async with changing(request, 202) as (connection, entry):
        made = await table.create(connection, new)
        entry.target, entry.after = str(made.id), made
    runner: Runner = request.app.state.bulk
    runner.wake()
    return answer(seen_by(who, made), 202, {"Location": f"/bulk/{made.id}"})


@router.get("", response_model=None, responses=shows(list[Bulk], [EXAMPLE]), dependencies=[needs("processes:view")])
async def list_(request: Request, limit: Annotated[int, Query(ge=1, le=1_000)] = 50) -> Response:
    """Operations, the newest first."""
    async with reading(request) as connection:
        return answer(await table.newest(connection, limit))


@router.get("/{bulk_id}", response_model=None, responses=shows(Bulk, EXAMPLE), dependencies=[needs("processes:view")])
async def show(bulk_id: UUID, request: Request) -> Response:
    """How far an operation has come."""
    async with reading(request) as connection:
        found = await table.find(connection, bulk_id)
    if found is None:
        raise _unknown(bulk_id)
    return answer(found)


@router.post(
    "/{bulk_id}/cancel",
    response_model=None,
    responses=shows(Bulk, EXAMPLE | {"status": "cancelled"}),
)
async def cancel(bulk_id: UUID, request: Request, who: Annotated[Principal, needs("processes:execute")]) -> Response:
    """Send no more commands; what has been sent is done."""
    async with changing(request) as (connection, entry):
        before = await table.find(connection, bulk_id)
        if before is None:
            raise _unknown(bulk_id)
        if not await table.cancel(connection, bulk_id):
            detail = f"The operation is {before.status} already"
            raise ProblemError(409, "not_running", detail, "Look at it: GET /bulk/{bulk_id}.")
        after = await table.find(connection, bulk_id)
        assert after is not None
        entry.before, entry.after = before, after
    return answer(seen_by(who, after))


def seen_by(who: Principal, bulk: Bulk) -> Bulk:
    """The operation, without its instances for those who may act and not look."""
    return bulk if who.may("processes:view") else msgspec.structs.replace(bulk, refusals=[])


def _filter(body: NewBulk, request: Request) -> InstanceFilter:
    """Raises ``ProblemError`` for one that would be everything there is."""
    wanted = body.filter.filter("body.filter")
    if wanted == InstanceFilter():
        message = "Expected at least one condition: not all instances there are"
        fix = "Add a definition, a key, a time or a status."
        raise ProblemError(422, "invalid_request", message, fix, errors=[("body.filter", message)])
    now = instant(round(request.app.state.settings.plant_clock.plant_ms(time.time() * 1000)))
    until = now if wanted.started_to is None else min(now, wanted.started_to)
    return msgspec.structs.replace(wanted, started_to=until, status=wanted.status or OPERATIONS[body.operation].status)


def _unknown(bulk_id: UUID) -> ProblemError:
    return ProblemError(404, "unknown_bulk", f"There is no bulk operation {bulk_id}", "GET /bulk tells what there is.")
