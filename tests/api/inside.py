"""The gateway inside of the test's process, without Kafka, and without a database unless one is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.settings import Settings
from tests.site import TOPICS
from weir.api.app import make_api
from weir.stack.ports import free_port_numbers


def settings_of(**wanted: Any) -> Settings:
    """Settings of a gateway whose services are away."""
    kafka, database = free_port_numbers(2, 20000, 20999)
    away = {"brokers": f"127.0.0.1:{kafka}", "database_url": f"postgresql://weir@127.0.0.1:{database}/weir"}
    return Settings(_env_file=None, topics_file=TOPICS, **{**away, **wanted})


def application(api: Any) -> FastAPI:
    """What is behind the middlewares."""
    while not isinstance(api, FastAPI):
        api = api._app
    return api


class CutError(Exception):
    """A stream that has begun: that is all a test asks of it here."""


def begun(app: ASGIApp) -> ASGIApp:
    """``app``, whose event streams end when they have begun: a client inside the process waits for the end."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        async def cut(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and b"text/event-stream" in dict(message["headers"]).get(
                b"content-type", b""
            ):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise CutError

        try:
            await app(scope, receive, cut)
        except* CutError:
            pass

    return asked


@asynccontextmanager
async def inside(settings: Settings, address: str = "10.0.0.9") -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that runs; ``address`` is where the client is."""
    api = make_api(settings)
    app = application(api)
    transport = httpx.ASGITransport(app=begun(api), client=(address, 50_000))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://weir") as client,
    ):
        yield client
