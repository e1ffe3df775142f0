"""Instances, events, tasks, incidents, definitions, and what leads from one to the other.

A value is the struct that ``projections.queries`` has found; what is not in it is loaded for all values at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import strawberry
from strawberry.scalars import JSON

from projections import queries
from weir.api.following.answers import shown_to
from weir.api.graphql.arguments import between, event_types
from weir.api.graphql.asking import Asking
from weir.api.graphql.fields import field, shows
from weir.api.graphql.pages import MAX_FIRST
from weir.api.routes.task_access import is_theirs

T = TypeVar("T")
Info = strawberry.Info[Asking, None]
OfProcess = Annotated["Process", strawberry.lazy(__name__)]
SOME, EVENTS = 20, 100
MAX_SEQ = 2**31 - 1


@shows(queries.HistoryEvent)
class Event:
    """One event of an instance; `timestamp` is plant time."""


@shows(queries.DefinitionSummary)
class Definition:
    """A deployed version of a process: an `active` one starts instances."""

    @field("processes:view", JSON, "What it says.")
    async def definition(self, root: strawberry.Parent[queries.DefinitionSummary], info: Info) -> dict[str, Any]:
        return (await _content(info, root)).definition

    @field("processes:view", str | None, "The text that somebody wrote, where that was deployed along.")
    async def source(self, root: strawberry.Parent[queries.DefinitionSummary], info: Info) -> str | None:
        return (await _content(info, root)).source


@shows(queries.TaskSummary)
class Task:
    """What people are asked.  `votes` are the answers of several approvers so far, by user."""

    @field("tasks:view", str | None, "More than the title.")
    async def description(self, root: strawberry.Parent[queries.TaskSummary], info: Info) -> str | None:
        return (await _details(info, root)).description

    @field("tasks:view", list[str], "The ways in which it may be answered.")
    async def outcomes(self, root: strawberry.Parent[queries.TaskSummary], info: Info) -> list[str]:
        return (await _details(info, root)).outcomes

    @field("tasks:view", JSON | None, "JSON Schema of the answers.")
    async def form(self, root: strawberry.Parent[queries.TaskSummary], info: Info) -> dict[str, Any] | None:
        return (await _details(info, root)).form

    @field("tasks:view", JSON | None, "What was answered.")
    async def answers(self, root: strawberry.Parent[queries.TaskSummary], info: Info) -> dict[str, Any] | None:
        return (await _details(info, root)).answers

    @field("processes:view", OfProcess | None, "The instance that asks.")
    async def process(self, root: strawberry.Parent[queries.TaskSummary], info: Info) -> queries.Instance | None:
        return await info.context.load(root.instance_id, queries.instances_of)


@shows(queries.Incident)
class Incident:
    """What went wrong, and what became of it; an open one has no `resolution`."""

    @field("processes:view", OfProcess | None, "The instance that it happened to.")
    async def process(self, root: strawberry.Parent[queries.Incident], info: Info) -> queries.Instance | None:
        return await info.context.load(root.instance_id, queries.instances_of)


@shows(queries.InstanceSummary)
class Process:
    """An instance; times are plant time."""

    @field("processes:view", int, "How many activities have completed.")
    async def steps_completed(self, root: strawberry.Parent[queries.InstanceSummary], info: Info) -> int:
        return (await _whole(info, root)).steps_completed

    @field("processes:view", JSON, "Its variables.")
    async def variables(self, root: strawberry.Parent[queries.InstanceSummary], info: Info) -> dict[str, Any]:
        return (await _whole(info, root)).variables

    @field("processes:view", JSON | None, "What set it off, as its start told.")
    async def trigger(self, root: strawberry.Parent[queries.InstanceSummary], info: Info) -> dict[str, Any] | None:
        return (await _whole(info, root)).trigger

    @field("processes:view", Definition | None, "The version that it runs by.")
    async def definition(
        self, root: strawberry.Parent[queries.InstanceSummary], info: Info
    ) -> queries.Definition | None:
        return await info.context.load((root.definition_id, root.definition_version), queries.definitions_of)

    @field("processes:view", list[Event], "What has happened in it, in order, behind the event with the seq `after`.")
    async def history(
        self,
        root: strawberry.Parent[queries.InstanceSummary],
        info: Info,
        first: int = EVENTS,
        after: int = 0,
        types: list[str] | None = None,
    ) -> list[queries.HistoryEvent]:
        found = await info.context.load(
            (root.id, root.updated_at),
            _histories,
            limit=between("first", first, 1, MAX_FIRST),
            after_seq=between("after", after, 0, MAX_SEQ),
            types=event_types(types),
        )
        return shown_to(info.context.who, found or [])

    @field("tasks:view", list[Task], "Its tasks that one may see, the newest first.")
    async def tasks(
        self, root: strawberry.Parent[queries.InstanceSummary], info: Info, first: int = SOME
    ) -> list[queries.TaskSummary]:
        most, who = between("first", first, 1, MAX_FIRST), info.context.who
        of, groups = (None, ()) if who.may("tasks:assign") else (who.id, tuple(sorted(who.groups)))
        found = await info.context.load(root.id, queries.tasks_of, limit=most, user=of, groups=groups)
        return [one for one in found or () if is_theirs(who, one)]

    @field("processes:view", list[Incident], "Its incidents, the newest first.")
    async def incidents(
        self, root: strawberry.Parent[queries.InstanceSummary], info: Info, first: int = SOME
    ) -> list[queries.Incident]:
        most = between("first", first, 1, MAX_FIRST)
        return await info.context.load(root.id, queries.incidents_of, limit=most) or []


async def _histories(
    connection: asyncpg.Connection, asked: Sequence[tuple[UUID, datetime]], **how: Any
) -> dict[tuple[UUID, datetime], list[queries.HistoryEvent]]:
    found = await queries.histories_of(connection, dict(asked), **how)
    return {key: found.get(key[0], []) for key in asked}


async def _whole(info: Info, root: queries.InstanceSummary) -> queries.Instance:
    if isinstance(root, queries.Instance):
        return root
    return _there(await info.context.load(root.id, queries.instances_of))


async def _details(info: Info, root: queries.TaskSummary) -> queries.Task:
    if isinstance(root, queries.Task):
        return root
    return _there(await info.context.load(root.id, queries.tasks_by_id))


async def _content(info: Info, root: queries.DefinitionSummary) -> queries.Definition:
    if isinstance(root, queries.Definition):
        return root
    return _there(await info.context.load((root.id, root.version), queries.definitions_of))


def _there(found: T | None) -> T:
    assert found is not None  # it was seen at the same moment
    return found
