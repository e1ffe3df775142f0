"""The OpenAPI document: what FastAPI knows of the routes, the structs that they show, and the problems of all."""

from importlib.metadata import version
from typing import Any

import msgspec
from fastapi import FastAPI

from weir.api import problems
from weir.api.documents import components, example
from weir.api.limits import QUESTIONS

DESCRIPTION = """
Commands are answered 202 once Kafka has them; `?wait=` waits for what becomes of them. Questions are answered from the
database, as far as the projector has come; an instance that has just been started is waited for.

Errors are problem documents (RFC 9457) with the fields that are wrong and the fix.
"""
ALWAYS = {
    "401": "Nobody knows who asks",
    "403": "The scope is missing",
    "422": "Something does not fit",
    "429": "Too many requests",
    "503": "Kafka or the database is away, or the processor too far behind: Retry-After tells when to come again",
}
"""Problems that every route may answer."""
OF_ONE = {"404": "There is no such thing"}
BY_BODY = {"/api/processes/templates", "/dead-letters/drop", "/dead-letters/retry"}
"""Paths whose writes name in their body what may not be there."""
OF_WRITES = {
    "409": "Things stand otherwise: somebody was faster, or it has ended",
    "413": "The body is too large",
    "415": "The body is not JSON",
}


class FieldError(msgspec.Struct):
    """What is wrong with one field, such as ``body.key``."""

    field: str
    message: str
    fix: str


class Problem(msgspec.Struct, omit_defaults=True):
    """``type`` is for programs, ``detail`` and ``fix`` for people."""

    type: str
    title: str
    status: int
    detail: str
    fix: str
    errors: list[FieldError] = []


_EXAMPLE = Problem(
    "/problems/invalid_request",
    "invalid request",
    422,
    "body.key: String should have at least 1 character",
    "Correct the value.",
    [FieldError("body.key", "String should have at least 1 character", "Correct the value.")],
)


def describe(app: FastAPI) -> None:
    """Have ``app`` answer the whole document at ``/openapi.json``."""
    of_routes = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None or "Problem" not in app.openapi_schema["components"]["schemas"]:
            app.openapi_schema = _completed(of_routes())
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]
    app.title, app.version, app.description = "Weir", version("weir"), DESCRIPTION.strip()


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, of_problems = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schemas.update(components() | of_problems)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "get" and path not in QUESTIONS:
                _named(operation.setdefault("parameters", []))
            operation["tags"] = [path.split("/")[1]]
            is_write = method != "get"
            told = ALWAYS | (OF_WRITES if is_write else {})
            if "{" in path or (is_write and path in BY_BODY):
                told |= OF_ONE
            responses = operation["responses"]
            responses.pop("422", None)
            for one in responses.values():
                for content in one.get("content", {}).values():
                    content.update(example(content["schema"]))
            for status, description in told.items():
                responses.setdefault(status, _problem(description))
    return document


def _named(parameters: list[dict[str, Any]]) -> None:
    """Every write may be sent with an Idempotency-Key."""
    parameters[:] = [one for one in parameters if one["name"].lower() != "idempotency-key"]
    parameters.append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Names this write: sent again, it is carried out once, and answered as before.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        }
    )


def _problem(description: str) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": msgspec.to_builtins(_EXAMPLE)}
    return {"description": description, "content": {problems.CONTENT_TYPE: content}}
