"""Every route, asked by every role, by nobody and by somebody whose time is over."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi.routing import APIRoute

from tests.api.inside import inside, settings_of
from tests.api.issuer import AUDIENCE, IssuingServer, issuing
from weir.api import limits
from weir.api.auth import PUBLIC, ROLES
from weir.api.auth.security import scopes_needed
from weir.api.routes import ROUTERS

ROUTES = [(method, route) for router in ROUTERS for route in router.routes for method in sorted(route.methods)]
INSTANCE = "019ab8f0-0000-8001-8000-000000000000"
ADMIN_KEY = "the key of an administrator, which is long"


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[IssuingServer]:
    async with issuing() as found:
        yield found


@pytest.fixture(scope="module")
async def api(issuer: IssuingServer) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_of(
        oidc_issuer=issuer.url, oidc_audience=AUDIENCE, api_admin_key=ADMIN_KEY, api_max_body_bytes=1024
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "UNKNOWN_PER_S", 10_000)
        async with inside(settings) as client:
            yield client


def path_of(route: APIRoute) -> str:
    return (
        route.path.replace("{id_}", f"{INSTANCE}:1")
        .replace("{instance_id}", INSTANCE)
        .replace("{", "")
        .replace("}", "")
    )


async def ask(api: httpx.AsyncClient, method: str, route: APIRoute, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await api.request(method, path_of(route), json=None if method == "GET" else {}, headers=headers)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES])
async def test_who_may(api: httpx.AsyncClient, issuer: IssuingServer, method: str, route: APIRoute) -> None:
    ((_, scope),) = scopes_needed(route.dependant)
    for token in (issuer.token(roles=["admin"], exp=1_000_000_000), "weir_0_x", "nonsense"):
        answer = await ask(api, method, route, token)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
        assert "invalid_token" in answer.headers["www-authenticate"]
    nobody = await ask(api, method, route, None)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, 'Bearer realm="weir"')
    for name, allowed in ROLES.items():
        answer = await ask(api, method, route, issuer.token(roles=[name]))
        if scope in allowed:
            assert answer.status_code not in (401, 403), (name, answer.text)
        else:
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), name
            assert scope in answer.json()["detail"]
    assert (await ask(api, method, route, issuer.token())).status_code == 403, "a user whom nothing is allowed"
    assert (await ask(api, method, route, issuer.token(scope=scope))).status_code not in (401, 403)
    assert (await ask(api, method, route, ADMIN_KEY)).status_code not in (401, 403)


async def test_who_may_act_and_not_look_is_told_no_instances(api: httpx.AsyncClient, issuer: IssuingServer) -> None:
    body = {"operation": "cancel", "filter": {"key": "k"}, "dry_run": True}
    blind = {"Authorization": f"Bearer {issuer.token(scope='processes:execute')}"}
    answer = await api.post("/bulk", json=body, headers=blind)
    assert (answer.status_code, "processes:view" in answer.json()["detail"]) == (403, True)
    assert (await api.post("/bulk", json=body | {"dry_run": False}, headers=blind)).status_code == 503, "no database"
    both = {"Authorization": f"Bearer {issuer.token(scope='processes:execute processes:view')}"}
    assert (await api.post("/bulk", json=body, headers=both)).status_code == 503, "no database"


async def test_what_is_public_needs_nobody(api: httpx.AsyncClient) -> None:
    for path in PUBLIC - {"/docs"}:
        assert (await api.get(path)).status_code not in (401, 403, 404), path


async def test_a_body_of_nobody_is_not_read(api: httpx.AsyncClient) -> None:
    answer = await api.post("/signals", content=b"x" * 10_000)
    assert answer.status_code == 401


async def test_where_nobody_is_asked_everybody_may_all() -> None:
    async with inside(settings_of(api_auth="off")) as api:
        assert "WEIR_API_AUTH" in (await api.get("/health")).json()["warning"]
        for method, route in ROUTES:
            assert (await ask(api, method, route, None)).status_code not in (401, 403)
        for sent in ({"json": {}}, {}):
            claimed = await api.post(f"/tasks/{INSTANCE}:1/claim", **sent)
            assert (claimed.status_code, claimed.json()["errors"][0]["field"]) == (422, "body.user")


async def test_how_one_must_ask(api: httpx.AsyncClient) -> None:
    for sent in ("Basic YTpi", "Bearer", "Bearer  ", ADMIN_KEY):
        assert (await api.get("/processes", headers={"Authorization": sent})).status_code == 401
    assert (await api.get("/processes", headers={"Authorization": f"bearer {ADMIN_KEY}"})).status_code == 503


async def test_headers_for_browsers(api: httpx.AsyncClient) -> None:
    for path in ("/processes", "/health"):
        found = (await api.get(path)).headers
        assert (found["x-content-type-options"], found["cache-control"]) == ("nosniff", "no-store")
