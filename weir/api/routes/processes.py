"""Instances of processes: starting one, and what has become of it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from projections.queries import InstanceNow
from streams.core.commands import Signal, StartProcess
from streams.core.decide.start_process import MAX_ID_AGE_MS
from streams.core.ids import check_instance_id
from weir.api.auth import needs
from weir.api.carrying import carry_out, command_route
from weir.api.documents import shows
from weir.api.following.lately import SentStart
from weir.api.idempotency.plan import CURRENT
from weir.api.planning import shown_at
from weir.api.problems import ProblemError
from weir.api.quick import QuickRoute, answer
from weir.api.reading_back import DEFAULT_S, shown, shown_when_ended
from weir.api.refusals import accepted
from weir.api.routes import examples
from weir.api.routes.process_models import InstanceSignal, Start, Started
from weir.api.sending import Sender, follower_of, sender_of
from weir.api.waiting import TimeoutText, Wait, WaitForText, WaitText, seconds_of, wait_of
from weir.watch import Refused

MAX_AGE_S = MAX_ID_AGE_MS / 1000
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
AtText = Annotated[
    str | None,
    Query(max_length=40, description="As it was after the event with that seq, or at that plant time (RFC 3339)."),
]
FIX = "Correct the value, or look at what is in the way."

router = APIRouter(route_class=QuickRoute)


@router.post(
    "/processes/{definition_id}/start",
    status_code=202,
    response_model=Started,
    responses=shows(InstanceNow, examples.INSTANCE, description="With wait=completed: the instance, which has ended"),
    dependencies=[needs("processes:execute")],
)
async def start(
    definition_id: str,
    body: Start,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    wait: WaitText = None,
    timeout: TimeoutText = None,  # noqa: ASYNC109  the query's name
) -> Response:
    """Start an instance of a process: its id at once, what becomes of it at ``GET /processes/{instance_id}``.

    With ``wait`` a refusal is told here; who waits in vain gets the 202 as well.
    """
    sender, waits = sender_of(request), wait_of(wait, timeout)
    if body.instance_id is not None:
        instance_id = own_id(body.instance_id)
    else:
        instance_id = _new_id(sender, definition_id, body, idempotency_key)
    command = StartProcess(
        id=instance_id,  # of a refusal too, by which it is found
        definition_id=definition_id,
        definition_version=body.version,
        key=body.key,
        instance_id=instance_id,
        variables=body.variables,
        trigger={"type": "api"},
    )
    started = answer(
        {"instance_id": instance_id, "definition_id": definition_id, "key": body.key},
        202,
        {"Location": f"/processes/{instance_id}"},
    )
    if waits.until == "nothing":
        await sender.send(command)
        follower_of(request).lately.sent(instance_id, SentStart(definition_id, body.key))
        return started
    return await _decided(request, command, waits) or started


@command_route(router, "/processes/{instance_id}/signal", dependencies=[needs("processes:execute")])
async def signal_instance(instance_id: str, body: InstanceSignal, request: Request, wait: WaitText = None) -> Response:
    """Send a message to an instance: it waits there until a step of type ``message`` takes it."""
    known = own_id(instance_id, "path.instance_id")
    return await carry_out(request, Signal(name=body.name, instance_id=known, payload=body.payload), wait)


@router.get(
    "/processes/{instance_id}",
    response_model=None,
    responses=shows(InstanceNow, examples.INSTANCE),
    dependencies=[needs("processes:view")],
)
async def show(
    instance_id: str,
    request: Request,
    wait: WaitText = None,
    timeout: TimeoutText = None,  # noqa: ASYNC109  the query's name
    wait_for: WaitForText = None,
    at: AtText = None,
) -> Response:
    """The state of an instance, as far as the projector has come.

    One that has just been started is waited for; if it does not come, and this gateway has sent the start, its
    ``status`` is ``accepted``.  ``wait=completed`` answers when it has ended, or as it is after ``timeout``.
    """
    known, waits = own_id(instance_id, "path.instance_id"), wait_of(wait, timeout)
    if at is not None:
        return answer(await shown_at(request, known, at))
    if waits.until == "completed":
        return answer(await shown_when_ended(request, known, waits.seconds))
    return answer(await shown(request, known, seconds_of(wait_for, DEFAULT_S, "query.wait_for")))


async def _decided(request: Request, command: StartProcess, waits: Wait) -> Response | None:
    """The instance as asked for; ``None`` when that takes longer.  Raises ``ProblemError`` when it is refused."""
    assert command.instance_id is not None
    follower, began = follower_of(request), time.monotonic()
    with follower.endings.expect(command.instance_id) as ended:
        try:
            outcome = await sender_of(request).send_and_wait(command, waits.seconds)
        except ProblemError as error:
            if error.kind != "not_decided":
                raise
            return None
        follower.lately.sent(command.instance_id, SentStart(command.definition_id, command.key))
        if not (isinstance(outcome, Refused) and outcome.reason == "already_exists"):  # sent twice, it is one start
            accepted(outcome, FIX)
        left_s = waits.seconds - (time.monotonic() - began)
        if waits.until == "outcome":
            return answer(await shown(request, command.instance_id, left_s))
        if isinstance(outcome, Refused):
            return answer(await shown_when_ended(request, command.instance_id, left_s))
        try:
            async with asyncio.timeout(left_s):
                event = await ended
        except TimeoutError:
            return None
    return answer(await shown(request, command.instance_id, DEFAULT_S, event.seq))


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
    if at is None and (plan := CURRENT.get()) is not None:
        return client.new_instance_id(body.key, cause=plan.cause, wall_s=plan.at_s)
    cause = None if idempotency_key is None else f"api/{definition_id}/{body.key}/{idempotency_key}"
    return client.new_instance_id(body.key, cause=cause, wall_s=None if at is None else at.timestamp())
