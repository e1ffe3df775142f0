"""Every route says what it needs."""

import itertools

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from tests.api.inside import application, settings_of
from weir.api.app import make_api
from weir.api.auth import PUBLIC, ROLES, SCOPES
from weir.api.auth.security import scopes_needed
from weir.api.routes import ROUTERS

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application(make_api(settings_of()))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.path}")
def test_every_route_needs_one_scope(route: APIRoute) -> None:
    needed = [scope for _, scope in scopes_needed(route.dependant)]
    assert len(needed) == 1, needed
    assert needed[0] in SCOPES


def test_what_is_beside_the_registry_is_public(app: FastAPI) -> None:
    known = {route.path for route in ROUTES}
    assert {route.path for route in app.routes if isinstance(route, Route)} - known <= PUBLIC


def test_openapi_tells_the_scope(app: FastAPI) -> None:
    document = app.openapi()
    told = {
        (method.upper(), path): operation["security"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    for route in ROUTES:
        ((_, scope),) = scopes_needed(route.dependant)
        for method in route.methods:
            assert told[method, route.path] == [{"bearer": [scope]}]


def test_roles_allow_scopes_that_there_are() -> None:
    assert set(itertools.chain.from_iterable(ROLES.values())) == set(SCOPES)
