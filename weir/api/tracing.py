"""A middleware: a span for each request, and its context for the commands that the request leads to.

There only when the gateway is traced.  A caller's ``traceparent`` is gone on with; else a trace begins, with ids of
chance, as no request is another one's repetition.
"""

import secrets
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.records import Headers
from streams.tracing import context
from streams.tracing.context import Context
from streams.tracing.span import Span
from streams.tracing.tracer import Tracer

ERROR = 500
QUIET = frozenset({"/health", "/metrics"})
"""Asked for by machines, again and again."""

_CURRENT: ContextVar[Context | None] = ContextVar("weir_trace", default=None)


def trace_headers() -> Headers:
    """Of a record that the request at hand leads to."""
    own = _CURRENT.get()
    return () if own is None else [(context.HEADER, own.encoded())]


class Tracing:
    """The outermost, so that a refusal is seen too."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            return await self._app(scope, receive, send)
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        parent = context.decode(given)
        span_id = int.from_bytes(secrets.token_bytes(context.SPAN_BYTES)) or 1
        if parent is None:
            trace = int.from_bytes(secrets.token_bytes(context.TRACE_BYTES)) or 1
            own = Context(trace, span_id, context.is_sampled(self._tracer.ratio, trace))
        else:
            own = parent._replace(span_id=span_id)
        began_ns, status = self._tracer.now_ns(), ERROR

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = _CURRENT.set(own)
        try:
            return await self._app(scope, receive, told)
        finally:
            _CURRENT.reset(token)
            if own.sampled:
                self._tracer.export([_span(scope, own, parent, (began_ns, self._tracer.now_ns()), status)])


def _span(scope: Scope, own: Context, parent: Context | None, times: tuple[int, int], status: int) -> Span:
    route = getattr(scope.get("route"), "path", None)
    span = Span(scope["method"] if route is None else f"{scope['method']} {route}", "server", own, parent, *times)
    span.attributes = {
        "weir.role": "api",
        "http.request.method": scope["method"],
        "http.response.status_code": status,
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
    }
    if route is not None:
        span.attributes["http.route"] = route
    span.error = str(status) if status >= ERROR else None
    return span
