"""A stream of events ends when who listens may no longer."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.api.inside import settings_of
from tests.api.test_feed import record
from tests.api.test_missed import Gateway
from weir.api.auth.authentication import Authentication
from weir.api.auth.principal import Principal
from weir.api.auth.security import AGAIN, FOUND
from weir.api.auth.unauthorized import unauthorized
from weir.api.database import Database
from weir.api.following import rights
from weir.api.problems import ProblemError, unavailable
from weir.api.routes import events as module
from weir.api.routes.events import events, instance_events
from weir.keys.text import new_key

INSTANCE = "019ab8f0-0000-8001-8000-000000000000"
VIEWER = Principal(id="v", name="v", kind="api_key", scopes=frozenset({"processes:view"}))
REVOKED = unauthorized("The API key was revoked")


class Listening:
    """A stream whose client is ``found`` by and by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rights, "EVERY_S", 0.0)
        monkeypatch.setattr(module, "HEARTBEAT_S", 0.01)
        monkeypatch.setattr(module, "LOOK_S", 0.01)
        self.gateway, self.found = Gateway(3), [VIEWER]
        self.gateway.request.scope[AGAIN] = self._again

    async def _again(self, _: Scope) -> Principal | ProblemError:
        found: Any = self.found[0] if len(self.found) == 1 else self.found.pop(0)
        return found

    async def rest(self, stream: AsyncIterator[bytes]) -> bytes:
        frames = b""
        async with asyncio.timeout(20):
            async for one in stream:
                frames += one
        return frames


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Listening:
    return Listening(monkeypatch)


@pytest.mark.parametrize(
    ("then", "told"),
    [(REVOKED, b"/problems/unauthorized"), (Principal(id="v", name="v", kind="user"), b"/problems/rights_changed")],
)
async def test_a_stream_of_everything(listening: Listening, then: Any, told: bytes) -> None:
    away = unavailable("database_unreachable", "It is away", "Try again.", 1)
    listening.found = [VIEWER, away, VIEWER, then]
    stream: Any = (await events(listening.gateway.request, VIEWER)).body_iterator
    await anext(stream)
    listening.gateway.reads(0, record("a", 1))
    frames = await listening.rest(stream)
    assert frames.startswith(b"event: started\n")
    assert frames.count(b":\n\n") == 2, "while the database is away nobody is let go"
    assert told in frames.split(b"event: error\n")[1]


async def test_a_stream_of_one_instance(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> Any:
        return []

    async def there(*_: object) -> None:
        return None

    class Reading:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *_: object) -> None: ...

    monkeypatch.setattr(module, "query", nothing)
    monkeypatch.setattr(module, "shown", there)
    monkeypatch.setattr(module, "reading", lambda _: Reading())
    listening.found = [VIEWER, VIEWER, REVOKED]
    stream: Any = (await instance_events(INSTANCE, listening.gateway.request, VIEWER)).body_iterator
    frames = await listening.rest(stream)
    assert b"was revoked" in frames.split(b"event: error\n")[1]


async def test_who_asks_is_found_out_again() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    class Ring:
        found: Any = VIEWER

        def remembers(self, _: str) -> bool:
            return True

        async def principal(self, _: str) -> Principal:
            if isinstance(self.found, Exception):
                raise self.found
            return self.found

    settings = settings_of(api_admin_key="the key of an administrator, which is long")
    authentication: Any = Authentication(app, settings, Database(settings))
    authentication._ring = ring = Ring()
    headers = [(b"authorization", f"Bearer {new_key().text}".encode())]
    await authentication({"type": "http", "path": "/events", "headers": headers}, None, None)
    (scope,) = seen
    assert scope[FOUND] == await scope[AGAIN](scope) == VIEWER
    ring.found = REVOKED
    assert await scope[AGAIN](scope) is REVOKED


async def test_what_a_request_was_made_of_goes_with_it_and_needs_no_garbage_collector() -> None:
    class Mark: ...

    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    settings, scope = settings_of(api_auth="off"), {"type": "http", "path": "/events", "headers": [], "mark": Mark()}
    mark = weakref.ref(scope["mark"])
    gc.disable()
    try:
        await Authentication(app, settings, Database(settings))(scope, None, None)  # type: ignore[arg-type]
        del scope
        assert mark() is None
    finally:
        gc.enable()
