"""Errors as problem documents (RFC 9457, ``application/problem+json``).

Beside the standard's members ``errors`` names each field that is wrong, and ``fix`` says what to do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from streams.core.misfit import bare

CONTENT_TYPE = "application/problem+json"
FIXES = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its name.",
    "json_invalid": "Send a JSON object.",
}
"""By pydantic's type of error."""
FIX = "Correct the value."
NOT_JSON = 400
"""What FastAPI raises for a body whose bytes are no text."""


class ProblemError(Exception):
    """An answer other than success.  ``kind`` is for programs, ``fix`` for people; ``errors`` are (field, message), or
    (field, message, fix) where each has its own.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        fix: str,
        *,
        errors: Sequence[tuple[str, str] | tuple[str, str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.fix = status, kind, detail, fix
        self.errors, self.headers = errors, headers


def unavailable(kind: str, detail: str, fix: str, retry_after_s: int) -> ProblemError:
    """503: nothing was taken, and it is worth coming back after ``retry_after_s`` seconds."""
    return ProblemError(503, kind, detail, fix, headers={"Retry-After": str(retry_after_s)})


def answer(_: Request, error: Exception) -> JSONResponse:
    """The document of a ``ProblemError``."""
    assert isinstance(error, ProblemError)
    return JSONResponse(document(error), error.status, dict(error.headers or {}), CONTENT_TYPE)


def document(error: ProblemError) -> dict[str, Any]:
    """The members of a problem."""
    errors = [
        {"field": field, "message": message, "fix": own[0] if own else error.fix}
        for field, message, *own in error.errors
    ]
    return _members(error.status, error.kind, error.detail, error.fix, errors)


def answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """The document of a body, path or query that does not fit its model."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {
            "field": "body" if one["type"] == "json_invalid" else ".".join(map(str, one["loc"])),
            "message": bare(one["msg"]),
            "fix": FIXES.get(one["type"], FIX),
        }
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return _document(422, "invalid_request", detail, errors[0]["fix"], errors)


def answer_http(_: Request, error: Exception) -> JSONResponse:
    """The document of what the framework refuses by itself: an unknown path, another method."""
    assert isinstance(error, HTTPException)
    if error.status_code == NOT_JSON:
        field = {"field": "body", "message": "Expected JSON in UTF-8", "fix": FIXES["json_invalid"]}
        return _document(422, "invalid_request", "body: Expected JSON in UTF-8", field["fix"], [field])
    return _document(error.status_code, "http", str(error.detail), "See /openapi.json.", [], error.headers)


def _document(
    status: int,
    kind: str,
    detail: str,
    fix: str,
    errors: Sequence[Mapping[str, str]],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return JSONResponse(_members(status, kind, detail, fix, errors), status, dict(headers or {}), CONTENT_TYPE)


def _members(status: int, kind: str, detail: str, fix: str, errors: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": f"/problems/{kind}",
        "title": kind.replace("_", " "),
        "status": status,
        "detail": detail,
        "fix": fix,
    }
    return {**found, "errors": errors} if errors else found
