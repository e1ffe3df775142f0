"""What is deployed, read only."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from projections import queries
from projections.queries import Definition
from streams.core.parse import validate_definition
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.documents import Responses
from weir.api.problems import ProblemError
from weir.api.routes.process_filters import MAX_VERSION
from weir.bpmn import bpmn_text, draw

router = APIRouter()


@router.get("/definitions", dependencies=[needs("processes:view")])
async def definitions(request: Request) -> list[dict[str, Any]]:
    """Every deployed version, by id, the newest first, as far as the projector has come."""
    async with reading(request) as connection:
        found: list[dict[str, Any]] = msgspec.to_builtins(await queries.definitions(connection))
    return found


@router.get("/definitions/{definition_id}", dependencies=[needs("processes:view")])
async def definition(
    definition_id: str, request: Request, version: Annotated[int | None, Query(ge=1)] = None
) -> dict[str, Any]:
    """What a version says; the active one by default, else the newest."""
    document: dict[str, Any] = msgspec.to_builtins(await _known(request, definition_id, version))
    return document


BPMN: Responses = {200: {"description": "The diagram", "content": {"application/xml": {"schema": {"type": "string"}}}}}


@router.get(
    "/definitions/{definition_id}/bpmn",
    response_class=Response,
    responses=BPMN,
    dependencies=[needs("processes:view")],
)
async def bpmn(
    definition_id: str, request: Request, version: Annotated[int | None, Query(ge=1, le=MAX_VERSION)] = None
) -> Response:
    """A version as a BPMN 2.0 diagram, laid out, for what shows processes; it cannot be deployed."""
    found = await _known(request, definition_id, version)
    text = await asyncio.to_thread(lambda: bpmn_text(draw(validate_definition(found.definition))))
    return Response(text, media_type="application/xml")


async def _known(request: Request, definition_id: str, version: int | None) -> Definition:
    """Raises ``ProblemError`` (404)."""
    async with reading(request) as connection:
        found = await queries.definition(connection, definition_id, version)
    if found is None:
        which = definition_id if version is None else f"{definition_id} version {version}"
        fix = "GET /definitions tells what there is; a new one appears when the projector has caught up."
        raise ProblemError(404, "unknown_definition", f"There is no definition {which} in the database", fix)
    return found
