"""Whose tasks: who may see one, and as whom somebody works on it.

Whoever may assign tasks sees them all.  To everybody else a task that they have nothing to do with is not there.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Request

from projections.queries import Task, TaskSummary
from projections.queries import task as query
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.problems import ProblemError
from weir.api.routes.task_models import By

Viewer = Annotated[Principal, needs("tasks:view")]
Worker = Annotated[Principal, needs("tasks:work")]
Assigner = Annotated[Principal, needs("tasks:assign")]


async def visible(request: Request, who: Principal, task_id: str) -> Task:
    """The task.  Raises ``ProblemError`` (404) when there is none, or it is not theirs."""
    async with reading(request) as connection:
        found = await query(connection, task_id)
    if found is None or not is_theirs(who, found):
        raise ProblemError(
            404,
            "unknown_task",
            f"There is no task {task_id} in the database that {who.name} may see",
            "A new one appears when the projector has caught up.",
        )
    return found


def is_theirs(who: Principal, task: TaskSummary) -> bool:
    """Whether they have it, had it, may claim it or have to answer it; or may assign all tasks."""
    if who.may("tasks:assign"):
        return True
    named = {task.assignee, task.owner, task.completed_by, *task.candidate_users, *task.approvers, *task.votes}
    if who.id in named or not who.groups.isdisjoint(task.candidate_groups):
        return True
    for_anybody = not (task.candidate_users or task.candidate_groups or task.approvers)
    return for_anybody and task.assignee is None


def whose(who: Principal, user: str | None, groups: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """Of whose tasks a list is, (user, groups); all, for whoever may assign them.  Raises ``ProblemError``: 403."""
    if who.may("tasks:assign"):
        return user, groups
    if user not in (None, who.id):
        raise ProblemError(
            403, "forbidden", f"Expected the scope tasks:assign to see tasks of {user}", "Leave user out: it is you."
        )
    return who.id, sorted(who.groups.intersection(groups) if groups else who.groups)


async def by(request: Request, who: Principal, task_id: str, body: By) -> dict[str, Any]:
    """What every command about a task says.  Raises ``ProblemError``: 403, 404, 422."""
    user, groups = acting_as(who, body)
    if not who.may("tasks:assign"):
        await visible(request, who, task_id)
    return {"task_id": task_id, "user": user, "groups": groups}


def acting_as(who: Principal, body: By) -> tuple[str, list[str]]:
    """(user, groups).  Raises ``ProblemError``: 403 for another's name, 422 where a name is missing."""
    if who.kind == "anonymous":
        if body.user is None:
            message = "Expected a user: nobody is asked who they are here (WEIR_API_AUTH=off)"
            raise ProblemError(422, "invalid_request", message, "Add it.", errors=[("body.user", message)])
        return body.user, body.groups
    if body.user in (None, who.id):
        return who.id, sorted({*who.groups, *(body.groups if who.may("admin") else ())})
    if not who.may("admin"):
        raise ProblemError(
            403, "forbidden", f"Expected the scope admin to work as {body.user}", "Leave user out: it is you."
        )
    return body.user, body.groups
