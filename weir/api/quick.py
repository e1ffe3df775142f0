"""Routes that are asked thousands of times a second.

FastAPI solves an endpoint's parameters by a machinery for every kind of them, which costs a start more than all else
(``poe bench api`` tells).  A ``QuickRoute`` is declared like any other, so that OpenAPI tells the same of it, and
solves the few kinds that such a route has: who asks (``weir.api.auth``), texts of the path, headers, a query where
there is one, and one ``body``, which pydantic reads from its bytes.  The endpoint returns a ``Response``.  ``Lane``
stands before the application and leads requests to these routes past the dozen layers that it has for all others.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import cached_property
from typing import Any, get_type_hints

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope, Send

from weir.api import problems
from weir.api.auth.security import check, scopes_needed
from weir.api.limits import BODY
from weir.api.problems import ProblemError

_encode = msgspec.json.Encoder().encode


def answer(found: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """``found`` as JSON: structs, and what is in them."""
    return Response(_encode(found), status, headers, "application/json")


class Lane:
    """An ASGI application: the quick routes of ``routers``, and ``app`` for everything else."""

    def __init__(self, app: FastAPI, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._routes = [route for router in routers for route in router.routes if isinstance(route, QuickRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, method = scope["path"], scope["method"]
            for route in self._routes:
                if method in (route.methods or ()) and (match := route.path_regex.match(path)):
                    scope.update(app=self._app, route=route, path_params=match.groupdict())
                    response = await self._answer(route, Request(scope, receive, send))
                    return await response(scope, receive, send)
        return await self._app(scope, receive, send)

    async def _answer(self, route: "QuickRoute", request: Request) -> Response:
        try:
            return await route.quick(request)
        except ProblemError as error:
            return problems.answer(request, error)
        except RequestValidationError as error:
            return problems.answer_invalid(request, error)


class QuickRoute(APIRoute):
    """Its endpoint takes ``request`` beside what is declared."""

    @cached_property
    def quick(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request, made once."""
        return self.get_route_handler()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint, dependant = self.endpoint, self.dependant
        model = get_type_hints(endpoint).get("body")
        ((asker, scope),) = scopes_needed(dependant)
        headers, query = dependant.header_params, dependant.query_params
        absent = {field.name: field.get_default() for field in (*headers, *query)}

        async def handle(request: Request) -> Response:
            who = check(request, scope)
            values: dict[str, Any] = {**absent, **request.path_params}
            if asker is not None:
                values[asker] = who
            errors = _read("header", request.headers, headers, values)
            if request.scope["query_string"]:
                errors += _read("query", request.query_params, query, values)
            if model is not None:
                values["body"] = _body(request, model, errors)
            if errors:
                raise RequestValidationError(errors)
            response: Response = await endpoint(request=request, **values)
            return response

        return handle


def _read(place: str, given: Mapping[str, str], fields: Iterable[Any], values: dict[str, Any]) -> list[Any]:
    """Put what is given of FastAPI's ``fields`` into ``values``; returns what is wrong with it."""
    errors: list[Any] = []
    for field in fields:
        if (text := given.get(field.alias)) is not None:
            values[field.name], wrong = field.validate(text, values, loc=(place, field.alias))
            errors += wrong or ()
    return errors


def _body(request: Request, model: type[BaseModel], errors: list[Any]) -> BaseModel | None:
    """The body; what is wrong with it is added to ``errors``.

    A page of another site may have a browser send a form or plain text here, but not JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        detail = f"Expected a body of application/json, but got {kind or 'no Content-Type'}"
        raise ProblemError(415, "unsupported_media_type", detail, "Send JSON with Content-Type: application/json.")
    try:
        return model.model_validate_json(request.scope[BODY])
    except ValidationError as error:
        errors += [
            {**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False, include_context=False)
        ]
        return None
