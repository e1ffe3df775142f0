"""How often one may ask, and how much one may send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.api.inside import settings_of
from weir.api.auth.authentication import Authentication
from weir.api.auth.principal import ANYBODY, Principal
from weir.api.auth.security import FOUND
from weir.api.auth.unauthorized import unauthorized
from weir.api.limits import UNKNOWN_PER_S, BodyLimit, RateLimit
from weir.keys.text import new_key

PROBLEM = "application/problem+json"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """Asks as ``who``; answers what it has read."""

    def __init__(self) -> None:
        self.who: Any = Principal(id="anna", name="Anna", kind="user")
        self.app: Any = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[FOUND] = self.who
        await self.app(scope, receive, send)

    async def post(self, content: Any = b"", address: str = "10.0.0.9") -> httpx.Response:
        transport = httpx.ASGITransport(app=self, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://weir") as client:
            return await client.post("/", content=content)


async def test_each_has_a_rate_of_their_own() -> None:
    asked, clock = Asked(), Clock()
    asked.app = RateLimit(asked.app, 2.0, clock)

    async def statuses(times: int) -> list[int]:
        return [(await asked.post()).status_code for _ in range(times)]

    assert await statuses(5) == [200] * 4 + [429], "two seconds' worth at once"
    refused = await asked.post()
    assert (refused.headers["content-type"], refused.headers["retry-after"]) == (PROBLEM, "1")
    assert "user anna" in refused.json()["detail"]
    asked.who = Principal(id="anna", name="Anna's key", kind="api_key")
    assert await statuses(1) == [200]
    asked.who = Principal(id="anna", name="Anna", kind="user")
    clock.now += 0.5
    assert await statuses(2) == [200, 429]
    clock.now += 3600
    assert await statuses(5) == [200] * 4 + [429], "no more than that is saved"


async def test_who_is_not_known_is_limited_by_address() -> None:
    asked, clock = Asked(), Clock()
    asked.who = unauthorized("no")
    asked.app = RateLimit(asked.app, 5_000.0, clock)
    found = [(await asked.post()).status_code for _ in range(int(2 * UNKNOWN_PER_S) + 1)]
    assert found == [200] * (len(found) - 1) + [429]
    assert (await asked.post(address="10.0.0.10")).status_code == 200


async def test_who_asks_too_often_for_what_is_public_takes_it_from_nobody_else() -> None:
    asked, clock = Asked(), Clock()
    asked.who = ANYBODY
    asked.app = RateLimit(asked.app, 2.0, clock)
    assert [(await asked.post()).status_code for _ in range(5)] == [200] * 4 + [429]
    assert (await asked.post(address="10.0.0.10")).status_code == 200, "a probe of /health, from elsewhere"


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    asked = Asked()
    asked.app = BodyLimit(asked.app, 1024)
    assert (await asked.post(b"x" * 1024)).text == "1024"
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 100

    for content in (b"x" * 1025, endless()):
        refused = await asked.post(content)
        assert (refused.status_code, refused.headers["content-type"]) == (413, PROBLEM)
        assert "1024" in refused.json()["detail"]
    assert taken == 11


async def test_guessed_keys_cost_the_database_nothing_after_some() -> None:
    looks: list[str] = []

    class Keys:
        @asynccontextmanager
        async def connection(self) -> AsyncIterator["Keys"]:
            yield self

        async def fetchrow(self, _: str, id_: str) -> None:
            looks.append(id_)

    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    settings = settings_of(api_admin_key="the key of an administrator, which is long")
    authentication = Authentication(app, settings, Keys())  # type: ignore[arg-type]

    async def ask(address: str) -> int:
        headers = [(b"authorization", f"Bearer {new_key().text}".encode())]
        scope: Scope = {"type": "http", "path": "/processes", "headers": headers, "client": (address, 1)}
        await authentication(scope, None, None)  # type: ignore[arg-type]
        return scope[FOUND].status

    statuses = [await ask("10.0.0.9") for _ in range(400)]
    assert statuses[: int(2 * UNKNOWN_PER_S)] == [401] * int(2 * UNKNOWN_PER_S)
    assert statuses[-1] == 429
    assert len(looks) == statuses.count(401) < 200
    assert await ask("10.0.0.10") == 401, "others are asked about"
