"""The routes of user tasks: lists from the database, and a command for each thing that people do.

A command is answered 202 when Kafka has it.  With ``?wait=<seconds>`` the answer is what became of it: 200, or a
problem that says why it was refused.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections.queries import Task, TaskFilter, TaskPlace, TaskSummary
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
from weir.api import cursors
from weir.api.carrying import carry_out, command_route
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import task_examples
from weir.api.routes.task_access import Assigner, Viewer, Worker, by, visible, whose
from weir.api.routes.task_models import Assign, By, Complete, Delegate, Update
from weir.api.waiting import WaitText

FIX = "Look at the task as it is now: GET /tasks/{id}."
ONESELF = By()

router = APIRouter(prefix="/tasks")


class TaskPage(msgspec.Struct):
    """Without ``next_cursor`` it is the last."""

    items: list[TaskSummary]
    next_cursor: str | None


@router.get("", response_model=None, responses=shows(TaskPage, {"items": [task_examples.SUMMARY], "next_cursor": None}))
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
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Tasks, the most urgent first; with ``user`` those that the user has, may claim, or has to answer, and of what is
    over those that the user had last, completed, or was to answer.

    Whoever may not assign tasks sees their own.
    """
    of, groups = whose(who, user, group or ())
    wanted = TaskFilter(
        status=status,
        user=of,
        groups=groups,
        queue=queue,
        instance_id=None if instance_id is None else _instance(instance_id),
        definition_id=definition_id,
    )
    after = None if cursor is None else cursors.decode(cursor, TaskPlace)
    async with reading(request) as connection:
        found = await list_query(connection, wanted, after=after, limit=limit + 1)
    return answer(TaskPage(*cursors.page(found, limit, TaskPlace.of)))


@router.get("/{id_}", response_model=None, responses=shows(Task, task_examples.TASK))
async def show(id_: str, request: Request, who: Viewer) -> Response:
    """A task with its form and answers, as far as the projector has come."""
    return answer(await visible(request, who, _task(id_)))


@command_route(router, "/{id_}/claim")
async def claim(id_: str, request: Request, who: Worker, body: By = ONESELF, wait: WaitText = None) -> Response:
    """Take a task that nobody has."""
    return await _carry_out(request, wait, ClaimTask(**await by(request, who, _task(id_), body)))


@command_route(router, "/{id_}/unclaim")
async def unclaim(id_: str, request: Request, who: Worker, body: By = ONESELF, wait: WaitText = None) -> Response:
    """Give a task back."""
    return await _carry_out(request, wait, UnclaimTask(**await by(request, who, _task(id_), body)))


@command_route(router, "/{id_}/assign")
async def assign(id_: str, body: Assign, request: Request, who: Assigner, wait: WaitText = None) -> Response:
    """Give a task to somebody, whoever has it."""
    return await _carry_out(
        request, wait, AssignTask(**await by(request, who, _task(id_), body), assignee=body.assignee)
    )


@command_route(router, "/{id_}/delegate")
async def delegate(id_: str, body: Delegate, request: Request, who: Worker, wait: WaitText = None) -> Response:
    """Have somebody else do one's task; it comes back."""
    return await _carry_out(request, wait, DelegateTask(**await by(request, who, _task(id_), body), to=body.to))


@command_route(router, "/{id_}/complete")
async def complete(id_: str, body: Complete, request: Request, who: Worker, wait: WaitText = None) -> Response:
    """Answer a task."""
    command = CompleteTask(**await by(request, who, _task(id_), body), answers=body.answers, outcome=body.outcome)
    return await _carry_out(request, wait, command)


@command_route(router, "/{id_}/update")
async def update(id_: str, body: Update, request: Request, who: Assigner, wait: WaitText = None) -> Response:
    """Make a task more or less urgent."""
    return await _carry_out(
        request,
        wait,
        UpdateTask(**await by(request, who, _task(id_), body), priority=body.priority, due=body.due),
    )


async def _carry_out(request: Request, wait: str | None, command: AnyTaskCommand) -> Response:
    return await carry_out(request, command, wait, FIX)


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
