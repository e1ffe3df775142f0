"""What is deployed, read only."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request

from projections import queries
from weir.api.auth import needs
from weir.api.database import reading
from weir.api.problems import ProblemError

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
    async with reading(request) as connection:
        found = await queries.definition(connection, definition_id, version)
    if found is None:
        which = definition_id if version is None else f"{definition_id} version {version}"
        fix = "GET /definitions tells what there is; a new one appears when the projector has caught up."
        raise ProblemError(404, "unknown_definition", f"There is no definition {which} in the database", fix)
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document
