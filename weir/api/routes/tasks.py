"""The routes of user tasks: lists from the database, and a command for each thing that people do.

A command is answered 202 when Kafka has it.  With ``?wait=<seconds>`` the answer is what became of it: 200, or a
problem that says why it was refused.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections.queries import tasks as list_query
from projections.queries.tasks import Status
from streams.core.commands import (
    AnyTaskCommand,
    AssignTask,
    ClaimTask,
    CompleteTask,
    DelegateTask,
    UnclaimTask,
    UpdateTask,
)
from streams.core.ids import check_instance_id
from streams.core.tasks.task import split_task_id, task_id
from weir.api.database import reading
from weir.api.problems import ProblemError
from weir.api.refusals import accepted
from weir.api.routes.process_models import Sent
from weir.api.routes.task_access import Assigner, Viewer, Worker, by, visible, whose
from weir.api.routes.task_models import Assign, By, Complete, Delegate, Done, Update
from weir.api.sending import sender_of
from weir.api.waiting import WaitText, wait_of

FIX = "Look at the task as it is now: GET /tasks/{id}."

router = APIRouter(prefix="/tasks")


@router.get("")
async def tasks(
    request: Request,
    who: Viewer,
    status: Status = "open",
    user: str | None = None,
    group: Annotated[list[str] | None, Query()] = None,
    queue: str | None = None,
    instance_id: str | None = None,
    definition_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[Any]:
    """Tasks, the most urgent first; with ``user`` those that the user has, may claim, or has to answer.

    Whoever may not assign tasks sees their own.
    """
    of, groups = whose(who, user, group or ())
    instance = None if instance_id is None else _instance(instance_id)
    async with reading(request) as connection:
        found = await list_query(
            connection,
            status=status,
            user=of,
            groups=groups,
            queue=queue,
            instance_id=instance,
            definition_id=definition_id,
            limit=limit,
            offset=offset,
        )
    return [msgspec.to_builtins(one) for one in found]


@router.get("/{id_}")
async def show(id_: str, request: Request, who: Viewer) -> dict[str, Any]:
    """A task with its form and answers, as far as the projector has come."""
    document: dict[str, Any] = msgspec.to_builtins(await visible(request, who, _task(id_)))
    return document


@router.post("/{id_}/claim", status_code=202, response_model=None)
async def claim(
    id_: str, body: By, request: Request, who: Worker, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Take a task that nobody has."""
    return await _send(request, response, wait, ClaimTask(**await by(request, who, _task(id_), body)))


@router.post("/{id_}/unclaim", status_code=202, response_model=None)
async def unclaim(
    id_: str, body: By, request: Request, who: Worker, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Give a task back."""
    return await _send(request, response, wait, UnclaimTask(**await by(request, who, _task(id_), body)))


@router.post("/{id_}/assign", status_code=202, response_model=None)
async def assign(
    id_: str, body: Assign, request: Request, who: Assigner, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Give a task to somebody, whoever has it."""
    return await _send(
        request, response, wait, AssignTask(**await by(request, who, _task(id_), body), assignee=body.assignee)
    )


@router.post("/{id_}/delegate", status_code=202, response_model=None)
async def delegate(
    id_: str, body: Delegate, request: Request, who: Worker, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Have somebody else do one's task; it comes back."""
    return await _send(request, response, wait, DelegateTask(**await by(request, who, _task(id_), body), to=body.to))


@router.post("/{id_}/complete", status_code=202, response_model=None)
async def complete(
    id_: str, body: Complete, request: Request, who: Worker, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Answer a task."""
    command = CompleteTask(**await by(request, who, _task(id_), body), answers=body.answers, outcome=body.outcome)
    return await _send(request, response, wait, command)


@router.post("/{id_}/update", status_code=202, response_model=None)
async def update(
    id_: str, body: Update, request: Request, who: Assigner, response: Response, wait: WaitText = None
) -> Sent | Done:
    """Make a task more or less urgent."""
    return await _send(
        request,
        response,
        wait,
        UpdateTask(**await by(request, who, _task(id_), body), priority=body.priority, due=body.due),
    )


async def _send(request: Request, response: Response, wait: str | None, command: AnyTaskCommand) -> Sent | Done:
    sender = sender_of(request)
    assert command.id is not None
    waits = wait_of(wait)
    if waits.until == "nothing":
        await sender.send(command)
        return Sent(command_id=command.id)
    outcome = accepted(await sender.send_and_wait(command, waits.seconds), FIX)
    response.status_code = 200
    return Done(command_id=command.id, events=[event.type for event in outcome.events])


def _task(text: str) -> str:
    """The id in canonical form."""
    try:
        instance, execution = split_task_id(text)
        return task_id(check_instance_id(instance), execution)
    except ValueError as error:
        raise _wrong("path.id_", error) from None


def _instance(text: str) -> str:
    try:
        return check_instance_id(text)
    except ValueError as error:
        raise _wrong("query.instance_id", error) from None


def _wrong(field: str, error: ValueError) -> ProblemError:
    fix = "Use an id that GET /tasks has returned."
    return ProblemError(422, "invalid_request", str(error), fix, errors=[(field, str(error))])
