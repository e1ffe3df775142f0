"""Where a question begins: the lists and single things that the routes of the same names tell."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from pydantic import ValidationError

from projections import queries
from projections.instance_filter import InstanceFilter
from streams.core.ids import check_instance_id
from streams.core.misfit import bare
from streams.core.tasks.task import split_task_id, task_id
from weir.api import cursors
from weir.api.graphql.arguments import between, wrong
from weir.api.graphql.fields import field, shows
from weir.api.graphql.pages import DEFAULT_FIRST, MAX_FIRST, Connection, page
from weir.api.graphql.types import Definition, Incident, Info, Process, Task
from weir.api.routes.process_filters import ProcessFilter
from weir.api.routes.task_access import is_theirs, whose

TASK_STATUSES = ("open", "created", "claimed", "completed", "cancelled", "all")


@strawberry.type
class Total:
    """How many there are; `isEstimate`: there are more."""

    count: int
    is_estimate: bool


@shows(queries.Statistics)
class Statistics:
    """Of the instances that started in some time; durations are in ms, percentiles within 5 %."""


@strawberry.input(description="All that is given must hold, as in GET /processes.")
class ProcessWhere:
    """Which instances."""

    status: list[str] | None = None
    definition: str | None = None
    version: int | None = None
    key: str | None = None
    reference: str | None = None
    variable: list[str] | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None


@strawberry.type
class Query:
    """What can be asked."""

    @field("processes:view", Process | None, "One instance.")
    async def process(self, info: Info, id: strawberry.ID) -> queries.Instance | None:  # noqa: A002
        return await info.context.ask(queries.instance, _instance("id", id))

    @field("processes:view", Connection[Process], "Instances, the newest first.")
    async def processes(
        self, info: Info, where: ProcessWhere | None = None, first: int = DEFAULT_FIRST, after: str | None = None
    ) -> Connection[queries.InstanceSummary]:
        most, before = _most(first), None if after is None else _instance("after", cursors.decode(after, str))
        found = await info.context.ask(queries.instances, _filter(where), before=before, limit=most + 1)
        return page(found, most, after, lambda one: str(one.id))

    @field("processes:view", Total, "How many instances there are, exact where the counts that are kept can tell.")
    async def process_count(self, info: Info, where: ProcessWhere | None = None) -> Total:
        found = await info.context.ask(queries.instance_count, _filter(where))
        return Total(count=found.total, is_estimate=found.is_estimate)

    @field("tasks:view", Task | None, "One task, if it is one's own or one sees all tasks.")
    async def task(self, info: Info, id: strawberry.ID) -> queries.Task | None:  # noqa: A002
        found = await info.context.ask(queries.task, _task("id", id))
        return found if found is not None and is_theirs(info.context.who, found) else None

    @field("tasks:view", Connection[Task], "Tasks, the most urgent first; one's own, unless one sees all tasks.")
    async def tasks(
        self,
        info: Info,
        status: str = "open",
        user: str | None = None,
        groups: list[str] | None = None,
        queue: str | None = None,
        instance_id: strawberry.ID | None = None,
        definition: str | None = None,
        first: int = DEFAULT_FIRST,
        after: str | None = None,
    ) -> Connection[queries.TaskSummary]:
        if status not in TASK_STATUSES:
            raise wrong("status", f"Expected one of {', '.join(TASK_STATUSES)} in status, but got {status!r:.200}")
        of, groups_of = whose(info.context.who, user, groups or ())
        wanted = queries.TaskFilter(
            status=status,  # type: ignore[arg-type]  # it is one
            user=of,
            groups=groups_of,
            queue=queue,
            instance_id=None if instance_id is None else _instance("instanceId", instance_id),
            definition_id=definition,
        )
        most, place = _most(first), None if after is None else cursors.decode(after, queries.TaskPlace)
        found = await info.context.ask(queries.tasks, wanted, after=place, limit=most + 1)
        return page(found, most, after, queries.TaskPlace.of)

    @field("processes:view", Connection[Incident], "Incidents, the newest first.")
    async def incidents(
        self,
        info: Info,
        open: bool = True,  # noqa: A002  an argument of GraphQL has a name
        definition: str | None = None,
        first: int = DEFAULT_FIRST,
        after: str | None = None,
    ) -> Connection[queries.Incident]:
        most, place = _most(first), None if after is None else cursors.decode(after, queries.IncidentPlace)
        found = await info.context.ask(
            queries.incidents, open_only=open, definition_id=definition, before=place, limit=most + 1
        )
        return page(found, most, after, queries.IncidentPlace.of)

    @field("processes:view", list[Definition], "Every deployed version, by id, the newest first.")
    async def definitions(self, info: Info) -> list[queries.DefinitionSummary]:
        return await info.context.ask(queries.definitions)

    @field("processes:view", Definition | None, "A version of a process: the active one by default, else the newest.")
    async def definition(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002
        version: int | None = None,
    ) -> queries.Definition | None:
        return await info.context.ask(queries.definition, id, version)

    @field("processes:view", Statistics, "How many instances there are, how they ended and what they took.")
    async def statistics(
        self, info: Info, definition: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> queries.Statistics:
        return await info.context.ask(queries.statistics, definition_id=definition, since=since, until=until)


def _most(first: int) -> int:
    return between("first", first, 1, MAX_FIRST)


def _filter(where: ProcessWhere | None) -> InstanceFilter:
    """Raises ``ProblemError``."""
    given: Mapping[str, Any] = {} if where is None else vars(where)
    try:
        asked = ProcessFilter.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, ("where", *first["loc"])))
        raise wrong(name, f"{name}: {bare(first['msg'])}") from None
    return asked.filter("where")


def _instance(name: str, text: str) -> str:
    try:
        return check_instance_id(text)
    except ValueError as error:
        raise wrong(name, str(error)) from None


def _task(name: str, text: str) -> str:
    try:
        instance, execution = split_task_id(text)
        return task_id(check_instance_id(instance), execution)
    except ValueError as error:
        raise wrong(name, str(error)) from None
