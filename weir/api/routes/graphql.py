"""``/graphql``: instances with what belongs to them, in one request (https://spec.graphql.org/); read only.

Over HTTP as https://graphql.github.io/graphql-over-http has it: an answer is 200 whatever became of its fields; to who
accepts ``application/graphql-response+json``, 400 where nothing could be executed.
"""

import asyncio
from importlib import import_module
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from weir.api.auth import Principal, needs
from weir.api.documents import shows
from weir.api.quick import answer
from weir.api.routes import examples

MEDIA_TYPE = "application/graphql-response+json"
MAX_CHARACTERS = 50_000
QUERY = """query ($after: String) {
  processes(where: {status: ["failed"]}, first: 20, after: $after) {
    nodes { id reference error history(first: 5) { timestamp message } tasks { title assignee } }
    pageInfo { hasNextPage endCursor }
  }
}"""
EXAMPLE: dict[str, Any] = {
    "data": {
        "processes": {
            "nodes": [{"id": examples.INSTANCE_ID, "reference": None, "error": "503", "history": [], "tasks": []}],
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        }
    }
}

router = APIRouter()


class GraphQLRequest(BaseModel):
    """A question; introspection tells what can be asked."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": {"query": QUERY, "variables": {}}})

    query: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]
    variables: dict[str, Any] | None = None
    operation_name: Annotated[str | None, Field(alias="operationName", max_length=200)] = None


class GraphQLAnswer(msgspec.Struct, omit_defaults=True):
    """``errors`` have the problem's document under ``extensions``."""

    data: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    errors: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


@router.post("/graphql", response_model=None, responses=shows(GraphQLAnswer, EXAMPLE))
async def graphql(
    body: GraphQLRequest, request: Request, who: Annotated[Principal, needs("processes:view")]
) -> Response:
    """Ask by GraphQL: instances, tasks, incidents, definitions, statistics, and what leads from one to the other.

    Fields need the scopes of the routes that tell the same: those of tasks `tasks:view`.
    """
    schema = await asyncio.to_thread(import_module, "weir.api.graphql.schema")  # takes a while, the first time
    found = await schema.run(request, who, body.query, body.variables, body.operation_name)
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        return answer(found)
    return Response(msgspec.json.encode(found), 200 if "data" in found else 400, media_type=MEDIA_TYPE)
