"""``/api/processes``: processes as a station's people make them, from triggers and actions."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from projections import queries
from projections.queries import StationDefinition, StationProcess
from projections.queries.station_processes import Order, Sort
from streams.core.commands import ActivateDefinition, DeactivateDefinition, Origin, StartProcess
from streams.core.definition import ProcessDefinition
from streams.core.durations import instant
from streams.core.parse import validate_definition
from streams.core.station_form import VARIABLE
from streams.core.station_parts import form_of
from streams.core.triggers.timer import TimerTrigger, compile_timer
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import station_examples as examples
from weir.api.routes.station_changes import TAKEN, check_topics, deploy, done, id_of, known, made, shown
from weir.api.routes.station_models import (
    Created,
    Execute,
    Executed,
    Form,
    Message,
    NewForm,
    ProcessList,
    ProcessParts,
)
from weir.api.sending import sender_of
from weir.api.station.acting import plant_ms
from weir.watch import Accepted, Refused

MAX_LIMIT = 1_000
MAX_OFFSET = 1_000_000
RESERVED = frozenset({"analytics", "executions", "templates"})
"""Ids that no process can have here: their paths are other routes'."""
ATTEMPTS = 20
"""Of finding an id, or a version, that nobody else takes at the same time."""

router = APIRouter(prefix="/api/processes")
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
Labels = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=401)]],
    Query(max_length=50, description="`line=2`: labelled so; `line`: with any value. Of several all must hold."),
]


@router.get(
    "", response_model=None, responses=shows(ProcessList, examples.PROCESS_LIST), dependencies=[needs("processes:view")]
)
async def processes(
    request: Request,
    limit: Limit = 50,
    offset: Offset = 0,
    active_only: bool = False,
    status: Literal["active", "inactive"] | None = None,
    template_id: str | None = None,
    created_by: str | None = None,
    label: Labels = [],  # noqa: B006  nobody changes it
    sort: Sort = "name",
    order: Order = "asc",
) -> Response:
    """Processes, with how often they ran and how that ended; by name, unless ``sort`` says otherwise.

    What has nothing to sort by, such as a process that never ran, comes last.
    """
    parted = (one.partition("=") for one in label)
    async with reading(request) as connection:
        found, total = await queries.station_processes(
            connection,
            is_active=True if active_only else None if status is None else status == "active",
            template_id=template_id,
            created_by=created_by,
            labels={name: value if is_given else None for name, is_given, value in parted},
            sort=sort,
            order=order,
            limit=limit,
            offset=offset,
        )
    return answer(ProcessList(found, total))


@router.post("", status_code=201)
async def create(
    body: NewForm, request: Request, who: Annotated[Principal, needs("processes:create")], response: Response
) -> Created:
    """Deploy a process that is made of triggers and actions."""
    wanted = body.id or id_of(body.name)
    process_id = await deploy_new(
        request, who, wanted, lambda one: made(body.parts(), one, 1), exactly=body.id is not None
    )
    response.headers["Location"] = f"/api/processes/{process_id}"
    return Created(process_id=process_id)


@router.post("/validate", dependencies=[needs("processes:create")])
async def validate(body: NewForm, request: Request) -> Message:
    """Tell what is wrong with a process that is being made, as creating it would; nothing is deployed."""
    check_topics(request, made(body.parts(), body.id or id_of(body.name), 1))
    return Message(message="valid")


@router.get(
    "/{process_id}",
    response_model=None,
    responses=shows(ProcessParts, examples.PROCESS),
    dependencies=[needs("processes:view")],
)
async def show(process_id: str, request: Request) -> Response:
    """A process with its triggers and actions, and when a schedule of its own starts it next."""
    return answer(with_parts(await known(request, process_id), plant_ms(request)))


@router.put("/{process_id}")
async def update(
    process_id: str, body: Form, request: Request, who: Annotated[Principal, needs("processes:create")]
) -> Message:
    """Deploy a new version; what runs stays on its own."""
    found = await known(request, process_id)
    version, parts = found.version + 1, body.parts()
    if body.labels is None:
        parts["labels"] = found.labels
    for _ in range(ATTEMPTS):
        outcome = await deploy(request, made(parts, process_id, version), Origin(by=who.id))
        if not (isinstance(outcome, Refused) and outcome.reason in TAKEN):
            return Message(message="updated")
        version += 1
    raise _changing(process_id)


@router.delete("/{process_id}")
async def deactivate(
    process_id: str, request: Request, who: Annotated[Principal, needs("processes:create")]
) -> Message:
    """Let it start nothing any more; what runs goes on, and its history stays."""
    await done(request, DeactivateDefinition(definition_id=process_id, origin=Origin(by=who.id)), unless=("unchanged",))
    await shown(request, process_id, lambda found: not found.is_active)
    return Message(message="deactivated")


@router.post("/{process_id}/activate")
async def activate(process_id: str, request: Request, who: Annotated[Principal, needs("processes:create")]) -> Message:
    """Let a deactivated process start again, in its newest version."""
    found = await known(request, process_id)
    command = ActivateDefinition(definition_id=process_id, version=found.version, origin=Origin(by=who.id))
    await done(request, command, unless=("unchanged",))
    await shown(request, process_id, lambda found: found.is_active)
    return Message(message="activated")


@router.post("/{process_id}/execute", status_code=201)
async def execute(
    process_id: str,
    body: Execute,
    request: Request,
    who: Annotated[Principal, needs("processes:execute")],
    response: Response,
) -> Executed:
    """Start an execution by hand."""
    found = await known(request, process_id)
    names = {one["name"] for one in found.definition.get("variables", [])}
    variables = {VARIABLE: body.trigger_data} if VARIABLE in names else body.trigger_data
    plan = CURRENT.get()
    cause, at = (None, None) if plan is None else (plan.cause, plan.at_s)
    instance_id = sender_of(request).client().new_instance_id(body.key, cause=cause, wall_s=at)
    command = StartProcess(
        definition_id=process_id,
        key=body.key,
        instance_id=instance_id,
        variables=variables,
        trigger={"type": "api", "by": who.id},
    )
    await done(request, command)
    response.headers["Location"] = f"/api/processes/executions/{instance_id}"
    return Executed(execution_id=instance_id)


async def deploy_new(
    request: Request, who: Principal, wanted: str, make: Any, *, exactly: bool, template: str | None = None
) -> str:
    """Deploy ``make(id)`` as the first version under an id that is free, ``wanted`` if it is; returns the id.

    Raises ``ProblemError``, for an id that is taken where it must be ``exactly`` that one.
    """
    is_repeated = (plan := CURRENT.get()) is not None and plan.repeated
    for number in range(1, ATTEMPTS + 1):  # what is there may be what this write has deployed before
        process_id = wanted if number == 1 else f"{wanted}-{number}"
        async with reading(request) as connection:
            taken = await queries.station_process(connection, process_id) is not None
        if (
            process_id not in RESERVED
            and (is_repeated or not taken)
            and isinstance(await deploy(request, make(process_id), Origin(by=who.id, template=template)), Accepted)
        ):
            return process_id
        if exactly:
            why = "is the name of another route" if wanted in RESERVED else "is there already"
            detail = f"Expected an id that is free, but {wanted!r} {why}"
            fix = "Take another id, or PUT a new version of it."
            raise ProblemError(409, "already_exists", detail, fix, errors=[("body.id", detail)])
    raise _changing(wanted)


def with_parts(found: StationDefinition, now_ms: int) -> ProcessParts:
    """The process with its triggers and actions, each with its id."""
    definition = validate_definition(found.definition)
    form, at_ms = form_of(definition), next_start_ms(definition, now_ms) if found.is_active else None
    fields = {name: getattr(found, name) for name in StationProcess.__struct_fields__}
    same = {"process_id": found.id, "created_at": msgspec.to_builtins(found.updated_at)}
    parts: dict[str, Any] = {
        "triggers": [{"id": f"{found.id}/trigger/{at}", **same, **one} for at, one in enumerate(form["triggers"], 1)],
        "actions": [{**same, **one} for one in form["actions"]],
    }
    return ProcessParts(**fields, **parts, next_execution=None if at_ms is None else instant(at_ms))


def next_start_ms(definition: ProcessDefinition, now_ms: int) -> int | None:
    """When the next of its timers is due: plant time in Unix ms."""
    timers = [
        compile_timer(at, one, definition.id)
        for at, one in enumerate(definition.triggers)
        if isinstance(one, TimerTrigger) and one.enabled
    ]
    coming = [(timer, timer.moments.next_after(now_ms)) for timer in timers]
    return min((timer.due(at) for timer, at in coming if at is not None), default=None)


def _changing(process_id: str) -> ProblemError:
    detail = f"Others deploy {process_id!r} at the same time"
    return ProblemError(409, "version_exists", detail, "Look at it again: GET /api/processes/{id}; then send it again.")
