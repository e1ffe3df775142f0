"""``/api/processes/templates``: processes with parameters, from a library of files and of what people have saved."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from projections import queries
from streams.core.definition import ProcessDefinition
from streams.core.problems import DefinitionError
from streams.core.templates import Filled, ParametersError, Template, fill, template_text
from streams.settings import Settings
from weir.api.audit.changing import changing
from weir.api.auth import Principal, needs
from weir.api.database import reading
from weir.api.documents import shows
from weir.api.idempotency.plan import CURRENT
from weir.api.problems import ProblemError
from weir.api.quick import answer
from weir.api.routes import template_examples as examples
from weir.api.routes.station_changes import id_of, known
from weir.api.routes.station_models import Created, Message
from weir.api.routes.station_processes import deploy_new
from weir.api.routes.template_models import (
    ImportedTemplate,
    Instantiate,
    NewTemplate,
    TemplateCreated,
    TemplateList,
    TemplateShown,
    TemplateSummary,
)
from weir.repository import saved_templates
from weir.repository.library import Entry, files, library
from weir.repository.templates import parameters_of, parsed

ATTEMPTS = 20
"""Of finding an id that no other template has."""
OWN = ("id", "name", "description")
"""What may be customized of any process, whether the template has a parameter for it or not."""
FIX = "GET /api/processes/templates/{id} tells what it takes."

router = APIRouter(prefix="/api/processes/templates")
Viewer = Annotated[Principal, needs("processes:view")]
Author = Annotated[Principal, needs("processes:create")]


@router.get("", response_model=None, responses=shows(TemplateList, examples.TEMPLATE_LIST))
async def templates(
    request: Request,
    who: Viewer,
    category: Annotated[str | None, Query(description="Only of this category.")] = None,
) -> Response:
    """Templates by category and name, with how many processes were made of each.

    One that cannot be read is told with its ``problem``.
    """
    async with reading(request) as connection:
        saved, uses = await queries.saved_templates(connection), await queries.template_uses(connection)
    entries = await asyncio.to_thread(library, request.app.state.settings, saved)
    found = [_summary(one, uses) for one in entries.values() if one.is_for(who.id, admin=who.may("admin"))]
    wanted = [one for one in found if category is None or one.category == category]
    return answer(TemplateList(sorted(wanted, key=lambda one: (one.category or "~", one.name, one.id))))


@router.post("", status_code=201)
async def create(body: NewTemplate, request: Request, who: Author, response: Response) -> TemplateCreated:
    """Save a template of a process, as its active version is."""
    process = await known(request, body.process_id)
    wanted = body.id or id_of(body.name)
    for number in range(1, ATTEMPTS + 1):
        template_id = wanted if number == 1 else f"{wanted}-{number}"
        text = template_text(
            process.definition,
            template_id=template_id,
            name=body.name,
            description=body.description or process.description,
            category=body.category,
        )
        if await _saved(request, who, _checked(text, template_id), is_public=body.is_public):
            response.headers["Location"] = f"{router.prefix}/{template_id}"
            return TemplateCreated(template_id=template_id)
        if body.id is not None:
            break
    raise _taken(wanted)


@router.post("/import", status_code=201)
async def import_(body: ImportedTemplate, request: Request, who: Author, response: Response) -> TemplateCreated:
    """Save a template that was written elsewhere; its ``id`` stands in it."""
    template = _checked(body.text, "text")
    _check_example(template)
    if not await _saved(request, who, template, is_public=body.is_public, replace=body.replace):
        raise _taken(template.head.id)
    response.headers["Location"] = f"{router.prefix}/{template.head.id}"
    return TemplateCreated(template_id=template.head.id)


SHOWN = shows(TemplateShown, examples.TEMPLATE)
SHOWN[200]["content"]["application/yaml"] = {"schema": {"type": "string"}}


@router.get("/{template_id}", response_model=None, responses=SHOWN)
async def show(
    template_id: str,
    request: Request,
    who: Viewer,
    format: Annotated[Literal["json", "yaml"], Query(description="yaml: to import it elsewhere.")] = "json",  # noqa: A002
) -> Response:
    """A template with its parameters, and what it makes."""
    entry = await _known(request, who, template_id)
    if format == "yaml":
        return Response(entry.text, media_type="application/yaml")
    template = _readable(entry)
    async with reading(request) as connection:
        uses = await queries.template_uses(connection)
    summary = _summary(entry, uses)
    fields = {name: getattr(summary, name) for name in TemplateSummary.__struct_fields__}
    return answer(TemplateShown(**fields, template_data=template.document.data))


@router.delete("/{template_id}")
async def delete(template_id: str, request: Request, who: Author) -> Message:
    """Remove a saved template of one's own, or as an administrator any; the processes that were made of it stay."""
    entry = await _known(request, who, template_id)
    if entry.saved is None:
        detail = f"The template {template_id!r} is a file"
        raise ProblemError(409, "not_saved", detail, f"Remove {entry.file} where the definitions are.")
    if not entry.is_of(who.id, admin=who.may("admin")):
        detail = f"The template {template_id!r} is {entry.saved.created_by}'s"
        raise ProblemError(403, "forbidden", detail, "Ask them, or an administrator.")
    async with changing(request) as (connection, audit):
        audit.target, audit.before = template_id, await saved_templates.remove(connection, template_id)
    return Message(message="deleted")


@router.post("/{template_id}/instantiate", status_code=201)
async def instantiate(
    template_id: str, body: Instantiate, request: Request, who: Author, response: Response
) -> Created:
    """Deploy a process that is made of a template."""
    template = _readable(await _known(request, who, template_id))
    given = body.customizations
    name = given.get("name") or template.head.name or template_id
    wanted = given.get("id") or id_of(str(name))
    process_id = await deploy_new(
        request,
        who,
        str(wanted),
        lambda one: _made(template, given | {"id": one}),
        exactly="id" in given,
        template=template_id,
    )
    response.headers["Location"] = f"/api/processes/{process_id}"
    return Created(process_id=process_id)


def _made(template: Template, given: dict[str, Any]) -> ProcessDefinition:
    """The definition.  Raises ``ProblemError`` (422)."""
    parameters = template.head.parameters
    own = {field: given[field] for field in OWN if field in given}
    try:
        filled = fill(template, {name: value for name, value in given.items() if name in parameters or name not in OWN})
    except ParametersError as error:
        raise ProblemError(
            422, "invalid_parameters", str(error), FIX, errors=[("body.customizations", str(error))]
        ) from None
    definition, problems = Filled(template, filled.values, filled.data | own).check()
    if definition is None:
        raise _invalid(DefinitionError(problems))
    return definition


async def _saved(
    request: Request, who: Principal, template: Template, *, is_public: bool, replace: bool = False
) -> bool:
    """Whether it is kept now; not, where another has its id, or may not be replaced by ``who``."""
    template_id = template.head.id
    if template_id in await _files(request):
        return False
    async with changing(request, 201) as (connection, audit):
        before = await queries.saved_template(connection, template_id)
        whose: saved_templates.Replaced | None = None if not replace else "anybody's" if who.may("admin") else "own"
        after = await saved_templates.save(connection, template, by=who.id, is_public=is_public, replaces=whose)
        if after is None:  # what is there may be what this write has saved before
            plan = CURRENT.get()
            if before is None or plan is None or not plan.repeated:
                return False
            return (before.created_by, before.template_data) == (who.id, template.text)
        audit.target, audit.before, audit.after = template_id, before, after
    return True


async def _known(request: Request, who: Principal, template_id: str) -> Entry:
    """The template.  Raises ``ProblemError`` (404), also for one that ``who`` may not see."""
    entry = (await _files(request)).get(template_id)
    if entry is None:
        async with reading(request) as connection:
            saved = await queries.saved_template(connection, template_id)
        entry = None if saved is None else await asyncio.to_thread(Entry.of, saved)
    if entry is None or not entry.is_for(who.id, admin=who.may("admin")):
        detail = f"There is no template {template_id!r}"
        raise ProblemError(404, "unknown_template", detail, "GET /api/processes/templates tells what there is.")
    return entry


async def _files(request: Request) -> dict[str, Entry]:
    settings: Settings = request.app.state.settings
    return await asyncio.to_thread(files, settings)


def _readable(entry: Entry) -> Template:
    """The template.  Raises ``ProblemError`` (422) for one that cannot be read."""
    if entry.template is None:
        raise _invalid(DefinitionError(list(entry.problems)))
    return entry.template


def _checked(text: str, file: str) -> Template:
    try:
        return parsed(text, file)
    except DefinitionError as error:
        raise _invalid(error) from None


def _check_example(template: Template) -> None:
    """A template is right when its example is.  Raises ``ProblemError``."""
    _, problems = fill(template, template.example()).check()
    if wrong := [one for one in problems if one.severity == "error"]:
        raise _invalid(DefinitionError(wrong))


def _invalid(error: DefinitionError) -> ProblemError:
    told = [(str(one.path), str(one), one.fix or "Correct it.") for one in error.problems]
    return ProblemError(422, "invalid_template", error.problems[0].message, told[0][-1], errors=told)


def _taken(template_id: str) -> ProblemError:
    detail = f"There is a template {template_id!r} already"
    fix = "Take another id, or import it with `replace: true` if it is yours."
    return ProblemError(409, "already_exists", detail, fix, errors=[("body.id", detail)])


def _summary(entry: Entry, uses: dict[str, int]) -> TemplateSummary:
    saved = entry.saved
    told = saved if entry.template is None else entry.template.head
    return TemplateSummary(
        id=entry.id,
        name=entry.id if told is None else told.name or entry.id,
        description=None if told is None else told.description,
        category=None if told is None else told.category,
        source=entry.source,
        usage_count=uses.get(entry.id, 0),
        is_public=saved is None or saved.is_public,
        created_by=None if saved is None else saved.created_by,
        created_at=None if saved is None else saved.created_at,
        parameters=[] if entry.template is None else parameters_of(entry.template),
        problem=str(entry.problems[0]) if entry.template is None else None,
    )
