"""The application: routes, problem documents, and the watch over the lag beside them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from streams.cancelling import cancel
from streams.monitoring import Monitor
from streams.monitoring.exposition import CONTENT_TYPE
from streams.settings import Settings
from streams.topics import load_topics
from streams.tracing.tracer import make_tracer
from streams.transport.fatal import exit_process
from weir.api import problems
from weir.api.audit.middleware import Audit
from weir.api.auth.authentication import Authentication
from weir.api.bulk.runner import Runner
from weir.api.counting import Counting, Counts
from weir.api.database import Database
from weir.api.docs import router as docs_router
from weir.api.following.follower import Follower
from weir.api.gate import Gate
from weir.api.headers import SecurityHeaders
from weir.api.idempotency.middleware import Idempotency
from weir.api.limits import BodyLimit, RateLimit
from weir.api.openapi import describe
from weir.api.quick import Lane
from weir.api.routes import ROUTERS
from weir.api.sending import Sender
from weir.api.standing import StandingWatch
from weir.api.tracing import Tracing

ROLE = "api"
NO_AUTH = "WEIR_API_AUTH is off: everybody is an administrator"
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own would look for somebody who reads it at every request, a tenth of what a start costs."""


def _must_go_on(task: "asyncio.Task[object]") -> None:
    """Without one of them the gateway would refuse everything for ever: a supervisor starts another."""
    if not task.cancelled():
        exit_process("the gateway's own work ended", task.exception())


def make_api(settings: Settings) -> ASGIApp:
    """The application with these settings.  Raises ``TopicsError``."""
    topics, tracer = load_topics(settings), make_tracer(settings, ROLE)
    gate = Gate(settings, topics)
    follower = Follower(settings, topics)
    sender = Sender(settings, topics, gate, follower)
    database = Database(settings)
    bulk = Runner(settings, topics, database, sender, gate)
    monitor = Monitor(ROLE, settings)
    counts, standing = Counts(), StandingWatch(database)
    monitor.check(sender.check)
    monitor.check(gate.check)
    monitor.sample(gate.samples)
    monitor.sample(counts.samples)
    monitor.sample(standing.samples)

    @asynccontextmanager
    async def beside(_: FastAPI) -> AsyncIterator[None]:
        async with database:
            own = (bulk.serve(), idempotency.purge(), standing.watch())
            works = (gate.watch(), sender.serve(), follower.serve(), *own)
            tasks = [asyncio.create_task(work, name="api") for work in works]
            for task in tasks:
                task.add_done_callback(_must_go_on)
            yield
            await cancel(tasks)
            if tracer is not None:
                await tracer.stop()

    app = FastAPI(title="Weir", docs_url=None, redoc_url=None, lifespan=beside, telemetry=NO_TELEMETRY)
    app.state.settings, app.state.topics, app.state.sender, app.state.database = settings, topics, sender, database
    app.state.follower, app.state.bulk = follower, bulk
    for one in ROUTERS:
        app.include_router(one)
    app.include_router(docs_router)
    describe(app)
    app.add_exception_handler(problems.ProblemError, problems.answer)
    app.add_exception_handler(RequestValidationError, problems.answer_invalid)
    app.add_exception_handler(HTTPException, problems.answer_http)

    @app.get("/health", include_in_schema=False)
    async def health() -> JSONResponse:
        document = monitor.health() | ({"warning": NO_AUTH} if settings.api_auth == "off" else {})
        return JSONResponse(document, 503 if document["reasons"] else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(monitor.page(), headers={"Content-Type": CONTENT_TYPE})

    # From the outside in: a request of nobody who is known, or of one who asks too often, is refused unread.
    inside: ASGIApp = Lane(app, ROUTERS)
    inside = idempotency = Idempotency(inside, database, settings.api_idempotency_keep_s)
    inside = BodyLimit(inside, settings.api_max_body_bytes)
    inside = RateLimit(inside, settings.api_rate_per_s)
    inside = Audit(inside, sender)
    inside = Authentication(inside, settings, database)
    inside = SecurityHeaders(inside)
    return Counting(inside if tracer is None else Tracing(inside, tracer), counts)
