"""Instances of processes: starting one, and what has become of it."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from projections.queries import Instance
from projections.queries import instance as query
from streams.core.commands import Signal, StartProcess
from streams.core.decide.start_process import MAX_ID_AGE_MS
from streams.core.ids import check_instance_id
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import QuickRoute, answer
from weir.api.routes import examples
from weir.api.routes.process_models import InstanceSignal, Sent, Start, Started
from weir.api.sending import Sender, sender_of

MAX_AGE_S = MAX_ID_AGE_MS / 1000
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]

router = APIRouter(route_class=QuickRoute)


@router.post("/processes/{definition_id}/start", status_code=202, response_model=Started)
async def start(definition_id: str, body: Start, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    """Start an instance of a process: its id at once, what becomes of it at ``GET /processes/{instance_id}``."""
    sender = sender_of(request)
    if body.instance_id is not None:
        instance_id = own_id(body.instance_id)
    else:
        instance_id = _new_id(sender, definition_id, body, idempotency_key)
    await sender.send(
        StartProcess(
            definition_id=definition_id,
            definition_version=body.version,
            key=body.key,
            instance_id=instance_id,
            variables=body.variables,
            trigger={"type": "api"},
        )
    )
    found = {"instance_id": instance_id, "definition_id": definition_id, "key": body.key}
    return answer(found, 202, {"Location": f"/processes/{instance_id}"})


@router.post("/processes/{instance_id}/signal", status_code=202, response_model=Sent)
async def signal_instance(instance_id: str, body: InstanceSignal, request: Request) -> Response:
    """Send a message to an instance: it waits there until a step of type ``message`` takes it."""
    command_id = str(uuid.uuid4())
    known = own_id(instance_id, "path.instance_id")
    await sender_of(request).send(Signal(id=command_id, name=body.name, instance_id=known, payload=body.payload))
    return answer({"command_id": command_id}, 202)


@router.get("/processes/{instance_id}", response_model=None, responses=shows(Instance, examples.INSTANCE))
async def show(instance_id: str, request: Request) -> Response:
    """The state of an instance, as far as the projector has come."""
    known = own_id(instance_id, "path.instance_id")
    async with reading(request) as connection:
        found = await query(connection, known)
    if found is None:
        raise unknown_instance(known)
    return answer(found)


def unknown_instance(instance_id: str) -> ProblemError:
    """404."""
    return ProblemError(
        404,
        "unknown_instance",
        f"There is no instance {instance_id} in the database",
        "A new one appears when the projector has caught up; a start that was refused never does.",
    )


def own_id(text: str, field: str = "body.instance_id") -> str:
    """An instance's id in canonical form.  Raises ``ProblemError`` (422) that names ``field``."""
    try:
        return check_instance_id(text)
    except ValueError as error:
        fix = "Use an id that a start returned, or leave it out to start with a new one."
        raise ProblemError(422, "invalid_request", str(error), fix, errors=[(field, str(error))]) from None


def _new_id(sender: Sender, definition_id: str, body: Start, idempotency_key: str | None) -> str:
    """The same for the same key, definition, Idempotency-Key and time of request."""
    client = sender.client()
    at = body.requested_at
    if at is not None and abs((datetime.now(UTC) - at).total_seconds()) > MAX_AGE_S:
        message = f"Expected a time at most {MAX_AGE_S:.0f} s ago, but got {at.isoformat()}"
        fix = "Look whether the first request was taken, then start anew with the present time."
        raise ProblemError(422, "invalid_request", message, fix, errors=[("body.requested_at", message)])
    cause = None if idempotency_key is None else f"api/{definition_id}/{body.key}/{idempotency_key}"
    return client.new_instance_id(body.key, cause=cause, wall_s=None if at is None else at.timestamp())
